"""Memory that is available, and errors before it runs out."""

import os
from pathlib import Path


def available_memory():
    """Bytes that can be allocated without swapping, or None if unknown.

    The minimum of the kernel's available memory and, in a container, of the memory left
    below the limit of the control group.
    """
    known = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                known.append(1024 * int(line.split()[1]))
    except OSError:
        if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
            known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    try:
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            used = int((group / "memory.current").read_text())
            stat = dict(map(str.split, (group / "memory.stat").read_text().splitlines()))
            # Inactive file pages count as used, but are freed on demand.
            known.append(int(limit) - used + int(stat["inactive_file"]))
    except OSError:
        pass
    return min(known, default=None)


def require_memory(n_bytes, what, remedy):
    """Raise MemoryError, before any work is done, when `n_bytes` are not available."""
    available = available_memory()
    if available is not None and n_bytes > available:
        raise MemoryError(
            f"{what} needs {n_bytes:,} bytes ({n_bytes / 2**30:.1f} GiB), but only "
            f"{available / 2**30:.1f} GiB of memory are available. {remedy}"
        )
