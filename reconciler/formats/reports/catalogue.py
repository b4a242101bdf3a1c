"""The formats of a report, by the name that `--format` gives them."""

from collections.abc import Callable, Mapping

from reconciler.formats.reports import html, markdown, text
from reconciler.formats.reports.report import Report
from reconciler.formats.view import View

FORMATS: Mapping[str, Callable[[Report, View], str]] = {
    "text": text.render,
    "markdown": markdown.render,
    "html": html.render,
}
"""Programs read JSON, which each kind of report writes from its own values."""
