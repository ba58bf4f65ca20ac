"""How sphinx-gallery shows the examples: with the stored picture and the stored table.

The build imports an example and does not run it. Picture and table come from one full run
of examples/_store.py. tests/test_examples.py runs every example at a small size.
"""

import ast
import shutil
from pathlib import Path
from textwrap import indent

from sphinx.errors import ExtensionError
from sphinx_gallery.scrapers import figure_rst


def skip_main(gallery_conf, script_vars):
    """Let sphinx-gallery import an example as a module, so `main` is not called."""
    script_vars["example_globals"]["__name__"] = Path(script_vars["src_file"]).stem
    return []


def as_listed(path):
    """Key that keeps the order in which the index lists the examples."""
    return 0


def stored_run(block, block_vars, gallery_conf):
    """Scraper of sphinx-gallery: the stored picture and table of a full run."""
    name = Path(block_vars["src_file"]).stem
    # sphinx-gallery's copy of the script is in the folder of the gallery.
    stored = Path(gallery_conf["src_dir"], gallery_conf["examples_dirs"], name)
    picture, table = stored.with_suffix(".png"), stored.with_suffix(".txt")
    if not picture.exists() or not table.exists():
        raise ExtensionError(
            f"{name} has no stored run. Call python examples/_store.py {name}"
        )
    script = ast.parse(stored.with_suffix(".py").read_text(encoding="utf-8"))
    title, *_ = ast.get_docstring(script).splitlines()
    target = next(block_vars["image_path_iterator"])
    shutil.copyfile(picture, target)
    return (
        figure_rst([target], gallery_conf["src_dir"], title)
        + f"\nPicture and output of one run of ``python examples/{name}.py``:\n"
        + "\n.. rst-class:: sphx-glr-script-out\n\n .. code-block:: none\n\n"
        + indent(table.read_text(encoding="utf-8"), " " * 4)
        + "\n"
    )
