"""The page that every report stands in: one file, no network, safe against hostile texts.

A new report is one template in `reconciler/formats/templates/` that extends `base.html.j2` and
imports the macros of `parts.html.j2`, and one pure function that calls `page` with what the
template shows: texts, numbers, and the tables and charts of `reconciler.formats.html.parts`.
The template never marks a text as safe, and sets no `style` attribute: the page forbids them.
"""

from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reconciler.formats.humanise import shortened
from reconciler.model.display import safe

LONGEST = 1_000
"""Longest text from outside that a page quotes, in characters."""

_STYLE, _SCRIPT = "page.css", "page.js"


def page(template: str, *, title: str, **values: object) -> str:
    """Fill the template of that name; what it shows is escaped, whatever it holds.

    Shape: `title` names the report in the browser's tab and in its heading.
    """
    return _templates().get_template(template).render(title=title, **values)


@cache
def _templates() -> Environment:
    """Load the templates, with the style and the script that stand in every page.

    A browser runs this script and applies this style, known by their hashes, and nothing else:
    should a hostile text ever pass the escaping, it would still be only text.
    """
    folder = PackageLoader("reconciler", "formats/templates")
    loaded = Environment(
        loader=folder,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_quoted,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (folder.get_source(loaded, name)[0] for name in (_STYLE, _SCRIPT))
    loaded.globals.update(
        # Both are our own files; nothing from outside is ever in them.
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        allowed="; ".join(_allowed(style, script)),
    )
    return loaded


def _allowed(style: str, script: str) -> Iterator[str]:
    """Yield the page's Content-Security-Policy: nothing is loaded, nothing is sent anywhere."""
    yield "default-src 'none'"
    for kind, text in (("style-src", style), ("script-src", script)):
        yield f"{kind} 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    yield "base-uri 'none'"
    yield "form-action 'none'"


def _quoted(value: object) -> object:
    """Spell out what would reorder or hide text, before it is escaped; our own markup passes."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return shortened(safe(value), LONGEST)
    return value
