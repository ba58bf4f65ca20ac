"""How sphinx-gallery runs the examples: their options, and their pictures.

The examples take options from the command line and save one picture without pyplot.
sphinx-gallery calls scripts without options and looks for pyplot figures.
"""

import ast
import os
import shutil
from pathlib import Path

from sphinx_gallery.scrapers import figure_rst

# Slow examples run at a smaller size. Their page says so and shows the picture of the full
# size, which is stored in the repository.
SIZES = {
    "plot_digits": "--sizes 50 200 --epochs 10 --folds 2",
    "plot_error_floor": "--dimensions 5 10 --biases 0 -1 --width 300 --columns 300",
    "plot_features_needed": "--dimensions 5 10 20 40 --seeds 3",
    "plot_kernel_approximation": "--sizes 128 512 2048 --n-samples 898 --seeds 1",
    "plot_laziness": "--widths 10 30 100 300",
    "plot_million_rows": "--n-samples 30000 --widths 100 300",
    "plot_ntk_operator": "--widths 100 1000 --n-samples 2000",
    "plot_polynomial": "--widths 10 100 1000 --seeds 1",
    "plot_single_neuron": "--dimensions 10 20 --widths 100 1000 --n-samples 8000 --seeds 1",
}


def give_options(gallery_conf, script_vars):
    """Command line of an example; its picture goes into the folder of the gallery."""
    source = Path(script_vars["src_file"])
    # The examples use these two names for their options; sphinx-gallery hides them.
    script_vars["example_globals"].update(
        __file__=str(source), __doc__=ast.get_docstring(ast.parse(source.read_text()))
    )
    options = SIZES.get(source.stem, "").split()
    # Scripts run in their own folder; a relative path keeps this machine's folders out of
    # the output.
    output = os.path.relpath(_saved(source, gallery_conf), source.parent)
    return [*options, "--output", output]


def take_picture(block, block_vars, gallery_conf):
    """Scraper of sphinx-gallery: the saved picture, or that of the full size."""
    source = Path(block_vars["src_file"])
    saved = _saved(source, gallery_conf)
    if not saved.exists():
        return ""
    target = next(block_vars["image_path_iterator"])
    saved.replace(target)
    options = SIZES.get(source.stem)
    if options is None:
        return figure_rst([target], gallery_conf["src_dir"])
    full = Path(gallery_conf["src_dir"], gallery_conf["examples_dirs"], source.stem)
    shutil.copyfile(full.with_suffix(".png"), target)
    command = f"python examples/{source.name}"
    return figure_rst([target], gallery_conf["src_dir"]) + (
        f"\nThe picture was made by ``{command}``. The output below is that of a smaller "
        f"size, ``{command} {options}``.\n"
    )


def _saved(source, gallery_conf):
    return Path(gallery_conf["src_dir"], gallery_conf["gallery_dirs"], f"{source.stem}.png")
