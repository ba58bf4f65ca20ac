"""Formulas as MathML, which browsers render without scripts or external fonts."""

import re

from docutils.nodes import SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

# Commands that have other names in docutils.
_OTHER_NAMES = {r"\big": r"\bigl", r"\Big": r"\Bigl", r"\dots": r"\ldots"}
_TOKEN = re.compile(
    r"\\(?:text|mathrm)\{[^}]*\}"  # already upright
    r"|\\[A-Za-z]+"
    r"|[A-Za-z]{3,}(?:\\_[A-Za-z]+)*"  # a name such as act or weight\_scale
)
# docutils makes these brackets grow with their neighbours. Browsers place a larger bracket
# with an exponent too low.
_GROWING = re.compile("<mo(?: maxsize[^>]*)?>([⟨⟩‖()])</mo>")


def _translate(token):
    token = token[0]
    if token.startswith("\\"):
        return _OTHER_NAMES.get(token, token)
    return r"\text{" + token.replace(r"\_", "_") + "}"


def _mathml(node, *, as_block):
    try:
        page = tex2mathml(_TOKEN.sub(_translate, node.astext()), as_block=as_block)
    except MathError as error:
        logging.getLogger(__name__).warning("%s: %s", error, node.astext(), location=node)
        return ""
    return _GROWING.sub(r'<mo stretchy="false">\1</mo>', page)


def _visit_math(translator, node):
    translator.body.append(_mathml(node, as_block=False))
    raise SkipNode


def _visit_math_block(translator, node):
    translator.body.append(f'<div class="formula">{_mathml(node, as_block=True)}</div>')
    raise SkipNode


def setup(app):
    """Register the renderer, which conf.py selects by `html_math_renderer`."""
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
