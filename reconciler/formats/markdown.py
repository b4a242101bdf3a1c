"""Pieces of GitHub's Markdown, and the images of a plan in collapsible groups.

Text from outside is put into a code span, in which nothing is HTML, a mention, a reference, a link
or emphasis. Left are the two characters that end a span or a table cell; they are shown by others
that look like them. Source: GitHub Flavored Markdown, "Code spans" and "Tables".
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from reconciler.formats.images import ExpiredImage, by_rules, expired
from reconciler.formats.phrases import age, counted, octets, related_versions, shortened, size
from reconciler.model.base import safe
from reconciler.model.plan import Plan

LONGEST = 300
"""Longest text from outside that is quoted, in characters."""

_LOOKALIKES = str.maketrans({"`": "'", "|": "\N{BROKEN BAR}"})

ROWS = 30
"""Most images of one group that get a row."""

_NOTE_BYTES = 200
"""Room kept for saying what is left out."""


def code(text: str) -> str:
    """Quote a text so that it can be read and do nothing else; an empty one stays empty."""
    spelled = shortened(safe(text), LONGEST).translate(_LOOKALIKES).strip()
    return f"`{spelled}`" if spelled else ""


def fenced(text: str) -> str:
    """Quote many lines as they are; a fence is longer than any run of its sign inside.

    Source: GitHub Flavored Markdown, "Fenced code blocks".
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


def row(*cells: str) -> str:
    """Write one row of a table."""
    return f"| {' | '.join(cells)} |"


def alert(kind: str, lines: Iterable[str]) -> Iterator[str]:
    """Write a coloured box with one line for each text; none, where there are no texts."""
    listed = [f"> - {line}" for line in lines]
    if listed:
        yield from (f"> [!{kind}]", *listed, "")


@dataclass(frozen=True, slots=True)
class ImageGroup:
    """The images of one repository that the same rules let expire.

    Shape: `full` shows rows, `folded` only how many images there are.
    """

    images: int
    full: str
    folded: str


def groups(plan: Plan) -> Iterator[ImageGroup]:
    """Group the images of a plan by repository and rules."""
    for part in plan.repositories:
        for rules, images in by_rules(expired(part)).items():
            count = counted(len(images), "image")
            table = "\n".join(_rows(images, plan))
            yield ImageGroup(
                images=len(images),
                full=(
                    f"\n<details><summary>{html(part.repository)}: {count} expired by"
                    f" {html(rules)}</summary>\n\n{table}\n\n</details>\n"
                ),
                folded=(
                    f"\n- {code(part.repository)}: {count} expired by {code(rules)},"
                    " rows left out\n"
                ),
            )


def html(text: str) -> str:
    """Quote a text inside of HTML, where Markdown is not read."""
    return f"<code>{escape(shortened(safe(text), LONGEST))}</code>"


def details(groups: Iterable[ImageGroup], room: int) -> str:
    """Write as many groups as fit: the largest lose their rows first, then the smallest go."""
    chosen = list(groups)
    largest_first = sorted(range(len(chosen)), key=lambda number: -chosen[number].images)
    texts = _folded(chosen, largest_first, room)
    kept = _fitting(texts, largest_first, room)
    omitted = counted(len(texts) - len(kept), "smaller group")
    note = f"\n{omitted} left out; the saved plan has them all.\n"
    # In the order of the plan, which is the order of the repositories.
    written = "".join(texts[number] for number in sorted(kept))
    return written + note if len(kept) < len(texts) else written


def _folded(chosen: Sequence[ImageGroup], order: Sequence[int], room: int) -> list[str]:
    """Take the rows from groups, in the order given, until all fit or no rows are left."""
    texts = [group.full for group in chosen]
    total = sum(map(octets, texts))
    for number in order:
        if total <= room:
            break
        total += octets(chosen[number].folded) - octets(texts[number])
        texts[number] = chosen[number].folded
    return texts


def _fitting(texts: Sequence[str], order: Sequence[int], room: int) -> list[int]:
    """Drop groups from the end of the order until the rest fits, with a note that some are gone."""
    kept, total = list(order), sum(map(octets, texts))
    while kept and total > room - (_NOTE_BYTES if len(kept) < len(order) else 0):
        total -= octets(texts[kept.pop()])
    return kept


def _rows(images: Sequence[ExpiredImage], plan: Plan) -> Iterator[str]:
    yield row("Tags", "Digest", "Age", "Size", "Reason")
    yield "| --- | --- | ---: | ---: | --- |"
    for image in images[:ROWS]:
        known = image.age(plan.evaluated_at)
        yield row(
            code(image.name),
            code(image.root.digest.short),
            age(known) if known is not None else "",
            size(image.size) if image.size else "",
            f"{code(image.reason)} {related_versions(image.followers)}".rstrip(),
        )
    if len(images) > ROWS:
        yield f"\n{counted(len(images) - ROWS, 'more image')} left out."
