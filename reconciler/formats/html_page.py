"""The page of all HTML reports: one file, no network access, safe against hostile texts.

A new report is one template in `reconciler/formats/templates/` that extends `base.html.j2` and
imports the macros of `parts.html.j2`, and one pure function that calls `page` with the values of
the template: texts, numbers, and the tables and charts of `reconciler.formats.report`. A template
never marks a text as safe, and sets no `style` attribute: the page's security policy forbids it.
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reconciler.formats.images import ExpiredImage
from reconciler.formats.phrases import kept_by, shortened
from reconciler.formats.report import Bar, Chart, Tone
from reconciler.formats.view import PageLink
from reconciler.model.base import safe
from reconciler.model.plan import DeletionPlan

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST = 1_000
"""Longest text from outside that a page quotes, in characters."""

_STYLE, _SCRIPT = "page.css", "page.js"

BARS = 12
"""Most bars of one chart; the smallest are added up."""

_DAY = timedelta(days=1)
_SPANS = (
    ("< 1 week", 7 * _DAY),
    ("1-4 weeks", 28 * _DAY),
    ("1-3 months", 91 * _DAY),
    ("3-6 months", 182 * _DAY),
    ("6-12 months", 365 * _DAY),
    ("1-2 years", 730 * _DAY),
    ("> 2 years", timedelta.max),
)
"""The columns of ages: a name, and the age at which the next column begins."""

_UNKNOWN = "unknown"
_CODE = re.compile(r"`([^`]+)`")


def page(template: str, *, title: str, pages: Sequence[PageLink] = (), **values: object) -> str:
    """Render a template; all its values are escaped.

    Shape: `title` names the report in the browser's tab and in its heading; `pages` are those
        beside it.
    """
    return _templates().get_template(template).render(title=title, pages=pages, **values)


@cache
def _templates() -> "Environment":
    """Load the templates, with the style and the script that every page contains.

    The page allows only this script and this style, by their hashes. So a hostile text that passed
    the escaping would still not run.
    """
    # Loaded for a page alone: every command that prints a plan has this module.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from reconciler.formats import chart

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
    style_hash, script_hash = (
        b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)
    )
    # The page's Content-Security-Policy: nothing is loaded, and nothing is sent anywhere.
    allowed = (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}';"
        " base-uri 'none'; form-action 'none'"
    )
    loaded.globals.update(
        # Both are our own files, without any text from outside.
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        allowed=allowed,
        drawn=chart.drawn,
        chart_caption=chart.caption_text,
        chart_numbers=chart.numbers,
        chart_range=chart.range_text,
    )
    loaded.filters["prose"] = prose
    return loaded


def prose(text: str) -> Markup:
    """Escape a sentence, with what is between backticks as code."""
    parts = _CODE.split(str(_quoted(text)))
    # Every second part was between backticks.
    pieces = [
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    ]
    return Markup().join(pieces)


def _quoted(value: object) -> object:
    """Replace characters that reorder or hide text before it is escaped, except in our markup."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return shortened(safe(value), LONGEST)
    return value


def before_after(plan: DeletionPlan) -> Chart:
    """Compare the versions that there are with those that a plan leaves; no bars without change."""
    before = sum(part.versions for part in plan.repositories)
    after = before - plan.summary.delete
    bars = [Bar("now", before), Bar("after the plan", after, "", "keep")]
    return Chart("Versions before and after", bars if plan.summary.delete else [])


def deleted_chart(images: Iterable[ExpiredImage]) -> Chart:
    """Count the images to delete by the rules that expire them."""
    counts = Counter(image.rules for image in images)
    return Chart("Images to delete, by rule", _bars(counts, "delete"))


def kept_chart(plan: DeletionPlan) -> Chart:
    """Count the kept images by what keeps them."""
    counts: Counter[str] = Counter()
    for part in plan.repositories:
        counts.update({kept_by(name): count for name, count in part.kept.items()})
    return Chart("Images kept, by rule or cause", _bars(counts, "keep"))


def ages(images: Iterable[ExpiredImage], now: datetime) -> Chart | None:
    """Count the images to delete by age; None where the plan has no age at all."""
    known = (image.age(now) for image in images)
    counts = Counter(
        _UNKNOWN if age is None else next(name for name, older in _SPANS if age < older)
        for age in known
    )
    # A chart of one column would show nothing that the tables do not.
    if counts.total() == counts[_UNKNOWN]:
        return None
    names = [name for name, _ in _SPANS] + [_UNKNOWN] * bool(counts[_UNKNOWN])
    return Chart(
        "Age of the images to delete", [Bar(name, counts[name], "", "delete") for name in names]
    )


def _bars(counts: Counter[str], tone: Tone) -> list[Bar]:
    """Chart the largest counts, and the sum of the others."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    bars = [Bar(name, count, "", tone) for name, count in ordered[:BARS]]
    if rest := ordered[BARS:]:
        others = sum(count for _, count in rest)
        bars.append(Bar(f"{len(rest):,} others", others, "", tone))
    return bars
