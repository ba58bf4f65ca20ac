"""The diagram of an estimator, as a notebook displays it."""

import runpy
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sklearn import config_context


class Estimator(Directive):
    """`.. estimator:: file function`: the diagram of what the function returns."""

    required_arguments = 2

    def run(self):
        """Return the HTML representation of the estimator."""
        environment = self.state.document.settings.env
        file, function = self.arguments
        path = Path(environment.srcdir) / file
        environment.note_dependency(file)
        with config_context(enable_metadata_routing=True):
            page = runpy.run_path(str(path))[function]()._repr_html_()
        return [nodes.raw("", page, format="html")]


def setup(app):
    """Register the directive."""
    app.add_directive("estimator", Estimator)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
