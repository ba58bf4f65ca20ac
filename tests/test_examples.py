"""Every example runs, prints its table and saves its picture; full runs are stored."""

import argparse
import importlib.util
import io
import re
import sys
from pathlib import Path

import pytest

image = pytest.importorskip(
    "matplotlib.image", reason="the pictures need the extra 'examples'"
)

EXAMPLES = Path(__file__).parents[1] / "examples"
# Name: (a small size, words of the heading of its table, beginnings of rows of the table).
TABLES = {
    "plot_single_neuron": (
        "--n-samples 500 --n-test 500 --dimensions 5 --widths 3 10 --seeds 1",
        ["method", "width", "error"],
        ["5 random ReLU features 3", "5 linearised NTK features 1", "5 trained network 10"],
    ),
    "plot_polynomial": (
        "--widths 5 10 --seeds 1 --updates 100 --test-samples 500",
        ["width", "loss,", "movement"],
        ["5", "10"],
    ),
    "plot_digits": (
        "--sizes 10 20 --folds 2",
        ["model"],
        ["RandomReLUFeatures", "LinearizedNTKFeatures", "OverparamNetClassifier"],
    ),
    "plot_kernel_approximation": (
        "--sizes 16 64 --n-samples 100 --seeds 1",
        ["dense", "orthogonal", "structured", "Nystroem"],
        ["16", "64"],
    ),
    "plot_width_path": (
        "--n-samples 100 --width 150 --n-features 4",
        ["data", "alpha", "best", "worst", "seconds"],
        ["digits 1e-06", "digits 1e+00", "neuron 1e-06", "neuron 1e+00"],
    ),
    "plot_million_rows": (
        "--n-samples 3000 --widths 5 20",
        ["width", "seconds", "alpha", "error"],
        ["5", "20"],
    ),
    "plot_features_needed": (
        "--dimensions 3 5 --seeds 1",
        ["d", "="],
        ["b = 0, error 1%", "b = -1, error 10%", "SGD, b = -1", "runs that learn 1 of 1"],
    ),
    "plot_error_floor": (
        "--dimensions 3 5 --biases 0 -1 --width 40 --columns 30",
        ["d", "b*", "ratio", "linearised"],
        ["3 0", "5 0", "3 -1", "5 -1"],
    ),
    "plot_psi": (
        "--dimensions 3 4 5 6 --neurons 5",
        ["d", "a", "ReLUs", "||psi||^2", "correlation"],
        ["3 55 56 0.3", "4 97 98 0.3", "5 151 152 0.3", "6 217 218 0.3"],
    ),
    "plot_laziness": (
        "--widths 10 40 --n-samples 50 --n-features 3",
        ["statement", "measured", "verdict"],
        ["Sec. 2.1, flipped", "Sec. 2.1, coupling", "Sec. 2.2, gap to"],
    ),
    "plot_learned_directions": (
        "--n-samples 400 --n-features 8 --width 100 --rounds 2",
        ["round", "neuron", "He3"],
        ["0 0.", "1 0.", "2 0.", "lower bound for fixed features 0.", "chosen by folds"],
    ),
    "plot_ntk_operator": (
        "--widths 5 20 --n-samples 300 --n-test 100 --n-features 4",
        ["width", "weights", "matrix,", "error"],
        ["5 25", "20 100", "infinite"],
    ),
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
    assert set(TABLES) == {path.stem for path in EXAMPLES.glob("plot_*.py")}


def test_every_example_is_in_one_section_of_the_gallery():
    index = (EXAMPLES / "index.rst").read_text(encoding="utf-8")
    shown = re.findall(r"^   ../examples/(plot_\w+)\.py$", index, flags=re.MULTILINE)
    in_sidebar = re.findall(r"^   .+ <(plot_\w+)>$", index, flags=re.MULTILINE)
    assert sorted(shown) == sorted(TABLES)
    assert in_sidebar == shown


def has_heading(heading, text):
    """Whether a line of the text has all words of the heading."""
    return any(set(heading) <= set(line.split()) for line in text.splitlines())


@pytest.mark.parametrize("name", TABLES)
def test_picture_and_table_of_a_full_run_are_stored(name):
    remedy = f"Call python examples/_store.py {name}"
    assert (EXAMPLES / f"{name}.png").exists(), remedy
    assert (EXAMPLES / f"{name}.txt").exists(), remedy
    table = (EXAMPLES / f"{name}.txt").read_text(encoding="utf-8")
    _, heading, _ = TABLES[name]
    assert has_heading(heading, table), remedy
    assert re.search(r"^CPU time of this run: \d+ s$", table, flags=re.MULTILINE), remedy
    assert "The picture is in" not in table  # a file of the machine that made it


@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
@pytest.mark.parametrize("name", TABLES)
def test_example_at_a_small_size(name, load, tmp_path, capsys):
    size, heading, rows = TABLES[name]
    picture = tmp_path / "picture.png"
    load(name).main([*size.split(), "--output", str(picture)])
    pixels = image.imread(picture)
    assert min(pixels.shape[:2]) > 200
    assert pixels.std() > 0.01  # not one colour
    printed = capsys.readouterr().out
    assert str(picture) in printed
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert has_heading(heading, printed), printed
    for row in rows:
        values = [line for line in lines if line.startswith(row)]
        assert values, f"no row {row!r} in\n{printed}"
        assert not re.search(r"\b(nan|inf)\b", " ".join(values)), printed


@pytest.mark.parametrize("name", TABLES)
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


def test_default_picture_is_where_git_does_not_look(load):
    parser = argparse.ArgumentParser()
    picture = load("_picture")
    picture.add_output(parser, EXAMPLES / "plot_digits.py")
    output = parser.parse_args([]).output
    assert output == EXAMPLES.parent / "pictures" / "plot_digits.png"
    ignored = (EXAMPLES.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "pictures/" in ignored


def test_folder_of_the_pictures_is_made(load, tmp_path, monkeypatch):
    picture = load("_picture")
    monkeypatch.setattr(picture, "FOLDER", tmp_path / "output")
    picture.check_output(tmp_path / "output" / "picture.png")
    assert (tmp_path / "output").is_dir()


@pytest.mark.parametrize("is_terminal", [False, True])
def test_progress_is_for_terminals(is_terminal, load, monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stderr", stream)
    load("_picture").progress("width 5")
    assert ("width 5" in stream.getvalue()) == is_terminal


@pytest.mark.parametrize("fails", [False, True])
def test_picture_and_table_are_stored_together_or_not_at_all(
    fails, load, tmp_path, monkeypatch
):
    store = load("_store")
    monkeypatch.setattr(store, "FOLDER", tmp_path / "pictures")
    script = tmp_path / "plot_x.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\n"
        "print('a table')\n"
        "Path(sys.argv[2]).write_text('a picture')\n"
        f"if {fails}: sys.exit(1)\n"
        "print(f'The picture is in {sys.argv[2]}')\n"
    )
    old = {script.with_suffix(ending): "old" for ending in (".png", ".txt")}
    for path, text in old.items():
        path.write_text(text)
    if fails:
        with pytest.raises(SystemExit, match="Nothing is stored"):
            store.store(script)
        assert {path: path.read_text() for path in old} == old
    else:
        store.store(script)
        assert script.with_suffix(".png").read_text() == "a picture"
        table = script.with_suffix(".txt").read_text()
        assert re.fullmatch(r"a table\n\nCPU time of this run: \d+ s\n", table)
    assert not list((tmp_path / "pictures").iterdir())


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
