"""The formats of a plan, by the name that `--format` gives them."""

from collections.abc import Callable, Mapping

from reconciler.formats import json, markdown, text
from reconciler.formats.view import View
from reconciler.model.plan import Plan

Render = Callable[[Plan, View], str]

FORMATS: Mapping[str, Render] = {
    "text": text.render,
    "json": json.render,
    "markdown": markdown.render,
}
