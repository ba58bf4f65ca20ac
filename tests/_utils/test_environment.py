"""Name clash, memory check, versions, no use of the network."""

import subprocess
import sys

import pytest

import skrf
from skrf._utils import installation, memory


def install(folder, name):
    """Pretend that a distribution is installed in a folder."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")


def test_scikit_rf_in_the_same_folder_is_refused(tmp_path):
    install(tmp_path, "scikit-rf")
    with pytest.raises(
        ImportError, match=r"pip uninstall scikit-rf .*two virtual env"
    ) as e:
        installation.refuse_scikit_rf(tmp_path / "skrf", [str(tmp_path)])
    assert str(tmp_path) in str(e.value)


def test_scikit_rf_next_to_an_editable_install_is_refused(tmp_path):
    """The package lies elsewhere, but its metadata is in the same site-packages."""
    install(tmp_path / "site", "scikit-rf")
    install(tmp_path / "site", "scikit-random-features")
    with pytest.raises(ImportError, match="scikit-rf"):
        installation.refuse_scikit_rf(tmp_path / "src" / "skrf", [str(tmp_path / "site")])


def test_scikit_rf_elsewhere_is_none_of_our_business(tmp_path):
    install(tmp_path / "other", "scikit-rf")
    install(tmp_path / "site", "scikit-random-features")
    path = [str(tmp_path / "site"), str(tmp_path / "other")]
    installation.refuse_scikit_rf(tmp_path / "site" / "skrf", path)
    (tmp_path / "empty").mkdir()
    installation.refuse_scikit_rf(tmp_path / "skrf", [str(tmp_path / "empty")])
    refused = subprocess.run(
        [sys.executable, "-c", "import skrf"],
        env={"PYTHONPATH": str(tmp_path / "other")},
        check=False,
    )
    assert refused.returncode == 0


def test_import_says_what_to_do_about_scikit_rf(tmp_path):
    """The check runs at import: a copy of the package next to scikit-rf does not load."""
    import shutil
    from pathlib import Path

    source = Path(skrf.__file__).parent
    shutil.copytree(source, tmp_path / "skrf", ignore=shutil.ignore_patterns("__pycache__"))
    install(tmp_path, "scikit-rf")
    run = subprocess.run(
        [sys.executable, "-c", "import skrf"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.strip().splitlines()[-1].startswith("ImportError: scikit-random-f")


def test_available_memory_is_plausible():
    available = memory.available_memory()
    assert available is None or 2**24 < available < 2**50


def test_memory_of_a_container_counts(tmp_path, monkeypatch):
    """The control group's limit less what is used, but for file pages given back."""
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 200\n")
    path = memory.Path
    monkeypatch.setattr(
        memory, "Path", lambda p: tmp_path if "cgroup" in str(p) else path(p)
    )
    assert memory.available_memory() == 500
    with pytest.raises(MemoryError, match=r"The thing needs 1,501 bytes .*Use less\."):
        memory.require_memory(1501, "The thing", "Use less.")
    memory.require_memory(400, "The thing", "Use less.")


def test_unknown_memory_is_no_obstacle(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    assert memory.require_memory(2**80, "The thing", "Use less.") is None


def test_show_versions(capsys):
    skrf.show_versions()
    printed = capsys.readouterr().out
    assert f"scikit-random-features: {skrf.__version__}" in printed
    for name in ("python", "scikit-learn", "numpy", "scipy", "numba", "num_threads"):
        assert name in printed


USE = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(refuse)
import skrf, skrf.gaussian, skrf.kernels, skrf.theory

X, y = skrf.make_single_neuron(60, 4, random_state=0)
for features in (skrf.RandomReLUFeatures(20), skrf.LinearizedNTKFeatures(5)):
    skrf.RandomFeatureRidge(features, alphas=[0.1, 1.0]).fit(X, y).predict(X)
skrf.OverparamNetRegressor(20, max_iter=2, tol=None).fit(X, y).predict(X)
skrf.OverparamNetClassifier(20, max_iter=2, tol=None).fit(X, y > 1).predict(X)
skrf.kernels.random_feature_kernel(X)
print(skrf.theory.remark_4_4(d=5, width=20))
skrf.show_versions()
print("no connection")
{more}
"""
CONNECT = "import socket; socket.create_connection(('127.0.0.1', 9))"


def use(more=""):
    command = [sys.executable, "-c", USE.replace("{more}", more)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_no_connection_is_opened_at_import_or_use():
    result = use()
    assert result.returncode == 0, result.stderr
    assert "no connection" in result.stdout
    assert "socket.getaddrinfo" in use(CONNECT).stderr
