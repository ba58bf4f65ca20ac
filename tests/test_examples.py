"""Every example runs, prints its table and saves its picture."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="the pictures need the extra 'examples'")

EXAMPLES = Path(__file__).parents[1] / "examples"
SMALL = {
    "plot_single_neuron": (
        "--n-samples 500 --n-test 500 --dimensions 5 --widths 3 10 --seeds 1"
    ),
    "plot_polynomial": "--widths 5 10 --seeds 1 --updates 100 --test-samples 500",
    "plot_digits": "--sizes 10 20 --epochs 2 --folds 2",
    "plot_kernel_approximation": "--sizes 16 64 --n-samples 100 --seeds 1",
    "plot_width_path": "--n-samples 100 --width 150 --n-features 4",
    "plot_million_rows": "--n-samples 3000 --widths 5 20",
    "plot_features_needed": "--dimensions 3 5 --seeds 1",
    "plot_error_floor": "--dimensions 3 5 --biases 0 -1 --width 40 --columns 30",
    "plot_psi": "--dimensions 3 4 5 6 --neurons 5",
    "plot_laziness": "--widths 10 40 --n-samples 50 --n-features 3",
    "plot_ntk_operator": "--widths 5 20 --n-samples 300 --n-test 100 --n-features 4",
}


@pytest.fixture
def load(monkeypatch):
    """Import an example by its name, as if it were run from its folder."""
    monkeypatch.syspath_prepend(EXAMPLES)

    def load(name):
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_every_example_is_here():
    assert set(SMALL) == {path.stem for path in EXAMPLES.glob("plot_*.py")}


@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
@pytest.mark.parametrize("name", SMALL)
def test_example_at_a_small_size(name, load, tmp_path, capsys):
    picture = tmp_path / "picture.png"
    load(name).main([*SMALL[name].split(), "--output", str(picture)])
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) > 5
    assert "nan" not in printed
    assert str(picture) in printed


@pytest.mark.parametrize("name", SMALL)
def test_nothing_is_computed_for_a_picture_that_cannot_be(
    name, load, tmp_path, monkeypatch
):
    main = load(name).main
    with pytest.raises(OSError, match="existing folder"):
        main(["--output", str(tmp_path / "missing" / "picture.png")])
    with pytest.raises(ValueError, match=r"must end in one of .*png"):
        main(["--output", str(tmp_path / "picture.text")])
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"scikit-random-features\[examples\]"):
        main(["--output", str(tmp_path / "picture.png")])


@pytest.mark.slow
def test_one_neuron_is_learnt_by_training_and_not_by_features(load, tmp_path, capsys):
    """The claim of the main example, at a middle size."""
    size = "--n-samples 8000 --dimensions 20 --widths 100 1000 --seeds 2"
    picture = tmp_path / "picture.png"
    load("plot_single_neuron").main([*size.split(), "--output", str(picture)])
    row = r"^ *20  (.*?) +(\d+) +\d+  (\S+)"
    rows = re.findall(row, capsys.readouterr().out, flags=re.MULTILINE)
    errors = {(method, int(width)): float(error) for method, width, error in rows}
    assert errors["random ReLU features", 1000] > 0.15
    assert errors["linearised NTK features", 47] > 0.15
    assert errors["trained network", 100] < 0.01
    assert errors["one trained neuron", 1] < 1e-6
