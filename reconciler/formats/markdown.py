"""Pieces of GitHub's Markdown, and the images of a plan in collapsible groups.

Text from outside is written as a code span, in which nothing is HTML, a mention, a reference, a
link or emphasis. The two characters that end a span or a table cell are replaced by lookalikes.
Source: GitHub Flavored Markdown, "Code spans" and "Tables".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from reconciler.formats.images import by_rules
from reconciler.formats.phrases import age, counted, octets, related_versions, shortened, size
from reconciler.formats.plan_view import PlanView
from reconciler.model.base import safe

# Holds any tag (128 characters), and any repository name that clients accept (255).
# Source: OCI distribution-spec, "Pulling manifests".
LONGEST = 300
"""Longest text from outside that is quoted, in characters."""

_LOOKALIKES = str.maketrans({"`": "'", "|": "\N{BROKEN BAR}"})

# About a tenth of a comment, so that several groups fit with their rows.
ROWS = 30
"""Most rows of one group."""

_NOTE_BYTES = 200
"""Room for the note that counts the omitted groups."""


def code(text: str) -> str:
    """Write a text as a code span, in which it has no effect; an empty text stays empty."""
    spelled = shortened(safe(text), LONGEST).translate(_LOOKALIKES).strip()
    return f"`{spelled}`" if spelled else ""


def fenced(text: str) -> str:
    """Write lines as a code block, whose fence is longer than any run of backticks inside.

    Source: GitHub Flavored Markdown, "Fenced code blocks".
    """
    fence = fence_around(text)
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


def fence_around(text: str) -> str:
    """Return a fence that nothing in a text can close."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    return "`" * max(3, longest + 1)


def row(*cells: str) -> str:
    """Write one row of a table."""
    return f"| {' | '.join(cells)} |"


def alert(kind: str, lines: Iterable[str]) -> Iterator[str]:
    """Write a coloured box with one line for each text; nothing without texts."""
    listed = [f"> - {line}" for line in lines]
    if listed:
        yield from (f"> [!{kind}]", *listed, "")


@dataclass(frozen=True, slots=True)
class ImageGroup:
    """The images of one repository that the same rules expire.

    Shape: `full` has a row for each image, `folded` only their number.
    """

    images: int
    full: str
    folded: str


def groups(prepared: PlanView) -> Iterator[ImageGroup]:
    """Group the images of a plan by repository and rules."""
    for repository in prepared.repositories:
        name = repository.part.repository
        for rules, images in by_rules(repository.images).items():
            lines = [
                row("Tags", "Digest", "Age", "Size", "Reason"),
                "| --- | --- | ---: | ---: | --- |",
            ]
            for image in images[:ROWS]:
                known = image.age(prepared.plan.evaluated_at)
                lines.append(
                    row(
                        code(image.name),
                        code(image.root.digest.short),
                        age(known) if known is not None else "",
                        size(image.size) if image.size else "",
                        f"{code(image.reason)} {related_versions(image.followers)}".rstrip(),
                    )
                )
            if len(images) > ROWS:
                # An empty line ends the table; without it the note would be a row.
                lines.append(f"\n{counted(len(images) - ROWS, 'more image')} omitted.")
            count, table = counted(len(images), "image"), "\n".join(lines)
            yield ImageGroup(
                images=len(images),
                full=(
                    f"\n<details><summary>{html(name)}: {count} expired by"
                    f" {html(rules)}</summary>\n\n{table}\n\n</details>\n"
                ),
                folded=f"\n- {code(name)}: {count} expired by {code(rules)}, rows omitted\n",
            )


def html(text: str) -> str:
    """Write a text as HTML code, for places where Markdown is not parsed."""
    return f"<code>{escape(shortened(safe(text), LONGEST))}</code>"


def details(groups: Iterable[ImageGroup], room: int) -> str:
    """Write as many groups as fit: first omit the rows of the largest, then the smallest groups."""
    chosen = list(groups)
    largest_first = sorted(range(len(chosen)), key=lambda number: -chosen[number].images)
    texts = [group.full for group in chosen]
    total = sum(map(octets, texts))
    # The rows of the largest group first: this leaves the rows of most other groups.
    for number in largest_first:
        if total <= room:
            break
        total += octets(chosen[number].folded) - octets(texts[number])
        texts[number] = chosen[number].folded
    # Where even the folded texts do not fit, the smallest groups are omitted, and the note counts
    # them. The note needs room only once something is omitted.
    kept = list(largest_first)
    while kept and total > room - (_NOTE_BYTES if len(kept) < len(texts) else 0):
        total -= octets(texts[kept.pop()])
    # In the order of the plan, which is the order of the repositories.
    written = "".join(texts[number] for number in sorted(kept))
    if len(kept) == len(texts):
        return written
    omitted = counted(len(texts) - len(kept), "smaller group")
    return f"{written}\n{omitted} omitted; the saved plan has them all.\n"
