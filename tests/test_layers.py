"""Which file may import which: a file imports only from lower names or its own folder."""

import ast
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from pathlib import Path

import pytest

import skrf

ROOT = Path(skrf.__file__).parent
# From the lowest; names on one level do not import each other.
LEVELS = [
    ["_utils"],
    ["_compiled"],
    ["activations", "losses"],
    ["targets", "features", "kernels"],
    ["gaussian", "networks", "ridge", "datasets"],
    ["displays", "_warmup"],
    ["theory"],
    ["__init__", "__main__"],
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
NOT_PUBLIC = {"_utils", "_compiled"}
# Across folders a file imports from the folder's `__init__`. The exceptions:
# (module, names) and the reason for which they are not public.
EXCEPTIONS = {
    "skrf.features._array_gradients": (
        {"ArrayGradients"},
        "ridge runs its passes on a device, the pass over gradients among them",
    ),
    "skrf.features._base": (
        {"BaseHiddenLayerFeatures", "without_set_output_for_lazy_input"},
        "ridge asks whether a transformer is one of ours, and has a lazy one of its own",
    ),
    "skrf.features._distributions": (
        {"CONSTRAINTS", "DATA", "OUTPUT_WEIGHTS", "draw_biases", "draw_weights"},
        "networks and data are drawn from the same distributions and streams as features",
    ),
    "skrf.features._gradients": (
        {"GradientPass", "NeuronSum", "neuron_sum", "require_gradient"},
        "networks and ridge models have the gradients of sums of neurons",
    ),
    "skrf.features._projections": (
        {"Dense"},
        "a trained hidden layer multiplies as a drawn one",
    ),
    "skrf.gaussian._activation_spectrum": (
        {"activation_spectrum"},
        "public as `skrf.theory.neuron_spectrum`, which checks the arguments",
    ),
    "skrf.gaussian._harmonics": (
        {
            "log_bessel_i_scaled",
            "log_dimension",
            "log_energy_ratio",
            "log_gamma_ratio",
            "log_zonal_constant",
            "panels",
        },
        "logarithms for the spectra of the wave and of neurons, too special for users",
    ),
    "skrf.gaussian._neurons": (
        {"neurons"},
        "the wave's products with ReLUs use the compiled table of the neurons",
    ),
    "skrf.gaussian._relu_spectrum": (
        {"relu_spectrum", "log_squared_norm"},
        "the lower bounds of `theory` need logarithms of spectra",
    ),
    "skrf.gaussian._spectrum": (
        {"NeuronSpectrum", "with_tail"},
        "public as `skrf.theory.NeuronSpectrum`; `displays` draws it and lies below",
    ),
}


def files():
    """{dotted name within skrf: path} of all files; `__init__.py` stands for its folder."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if len(parts) > 1 and parts[-1] == "__init__":
            parts = parts[:-1]
        yield ".".join(parts), path


FILES = dict(files())


def imports(path):
    """(module, names) of the imports from skrf at any depth of a file's code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, set()) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import; write skrf.<module>"
            yield node.module, {alias.name for alias in node.names}


def imported_files(path):
    """Dotted names, within skrf, of the files whose code an import asks for."""
    for module, names in imports(path):
        if module.partition(".")[0] == "skrf":
            inner = module.partition(".")[2]
            for name in names or {""}:
                full = f"{inner}.{name}".strip(".")
                yield full if full in FILES else inner or "__init__"


def type_checking_only(path):
    """Line numbers of the blocks `if TYPE_CHECKING`, which do not run."""
    tree = ast.parse(path.read_text())
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for line in range(node.lineno, node.end_lineno + 1)
    }


def test_every_file_has_a_level():
    unknown = {name.partition(".")[0] for name in FILES} - set(LEVEL)
    assert not unknown, (
        f"{sorted(unknown)}: put the file into the folder of its noun, or give it a level"
    )


def test_imports_point_down():
    wrong = []
    for name, path in FILES.items():
        own = name.partition(".")[0]
        needs = {i.partition(".")[0] for i in imported_files(path)} - {own}
        for other in sorted(needs):
            if LEVEL[other] >= LEVEL[own]:
                above = [names for names in LEVELS if LEVEL[names[0]] > LEVEL[other]]
                homes = " or ".join(n for names in above for n in names) or "nowhere"
                wrong.append(f"{path} imports {other}; such code belongs into {homes}")
    assert not wrong, "\n".join(wrong)


def test_other_folders_are_imported_by_their_public_module():
    wrong = []
    for name, path in FILES.items():
        own = name.partition(".")[0]
        skipped = type_checking_only(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or node.lineno in skipped:
                continue
            parts = node.module.split(".")
            if parts[0] != "skrf" or len(parts) < 2 or parts[1] in {own, *NOT_PUBLIC}:
                continue
            names = {alias.name for alias in node.names}
            private = len(parts) > 2 or any(n.startswith("_") for n in names)
            if private and not names <= EXCEPTIONS.get(node.module, (set(),))[0]:
                wrong.append(
                    f"{path}:{node.lineno} imports {sorted(names)} from {node.module}: "
                    f"use skrf.{parts[1]}, or move the file into {parts[1]}/"
                )
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_used():
    used = {}
    for name, path in FILES.items():
        for module, names in imports(path):
            if module in EXCEPTIONS and module.split(".")[1] != name.partition(".")[0]:
                used.setdefault(module, set()).update(names)
    assert used == {module: names for module, (names, _) in EXCEPTIONS.items()}


def test_files_of_a_folder_import_siblings_in_no_circle():
    graph, wrong = {}, []
    for name, path in FILES.items():
        folder, _, file = name.partition(".")
        inside = {
            i for i in imported_files(path) if i.partition(".")[0] == folder and i != name
        }
        if file and folder in inside:
            wrong.append(f"{path} imports its own folder: import the sibling file")
        graph[name] = inside
    assert not wrong, "\n".join(wrong)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"files import each other in a circle: {' -> '.join(error.args[1])}")


def differ_by_one_letter(first, second):
    """Whether one letter, inserted or replaced, makes one word of the other."""
    short, long = sorted((first, second), key=len)
    if len(long) - len(short) > 1 or short == long:
        return False
    k = next((k for k, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), None)
    if k is None:
        return True
    return short[k + (len(short) == len(long)) :] == long[k + 1 :]


def test_no_two_files_have_nearly_the_same_name():
    """Equal names in different folders are fine: the folder tells them apart."""
    stems = sorted({name.rpartition(".")[2].lstrip("_") for name in FILES})
    pairs = [p for p in combinations(stems, 2) if differ_by_one_letter(*p)]
    assert not pairs


def test_differences_of_one_letter_are_found():
    for first, second in (("kernel", "kernels"), ("dual", "duel"), ("law", "slaw")):
        assert differ_by_one_letter(first, second)
    for first, second in (("dual", "dual"), ("laws", "slaw"), ("sgd", "jit")):
        assert not differ_by_one_letter(first, second)


def test_private_names_of_scikit_learn_are_imported_by_two_files():
    wrong = []
    for name, path in FILES.items():
        for module, names in imports(path):
            parts = [*module.split("."), *names]
            if parts[0] == "sklearn" and any(part.startswith("_") for part in parts):
                wrong.append((name, module, names))
    assert {name for name, *_ in wrong} == {"_utils.validation", "_utils.array_api"}, wrong


def test_the_compiler_is_imported_by_one_file():
    """`_compiled.jit.njit`, whose cache may fail."""
    found = {
        name
        for name, path in FILES.items()
        for module, names in imports(path)
        if module == "numba" and (not names or {"njit", "jit"} & names)
    }
    assert found == {"_compiled.jit"}


def test_all_is_the_public_surface():
    public = {
        name
        for name, value in vars(skrf).items()
        if not name.startswith("_") and getattr(value, "__file__", None) is None
    }
    assert public == set(skrf.__all__)
    assert all(getattr(skrf, name).__doc__ for name in skrf.__all__)
