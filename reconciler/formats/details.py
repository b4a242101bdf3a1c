"""The images of a plan in groups that unfold on a click, as many as there is room for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from reconciler.formats.budget import octets
from reconciler.formats.humanise import age, counted, shortened, size
from reconciler.formats.images import Expired, by_rules, expired
from reconciler.formats.markup import LONGEST, code, row
from reconciler.formats.sentences import following
from reconciler.model.display import safe
from reconciler.model.plan import Plan

ROWS = 30
"""Most images of one group that get a row."""

_NOTE_BYTES = 200
"""Room kept for saying what is left out."""


@dataclass(frozen=True, slots=True)
class Group:
    """The images of one repository that the same rules let expire.

    Shape: `full` shows rows, `folded` only how many images there are.
    """

    images: int
    full: str
    folded: str


def groups(plan: Plan) -> Iterator[Group]:
    """Group the images of a plan by repository and rules."""
    for part in plan.repositories:
        for rules, images in by_rules(expired(part)).items():
            count = counted(len(images), "image")
            table = "\n".join(_rows(images, plan))
            yield Group(
                images=len(images),
                full=(
                    f"\n<details><summary>{_html(part.repository)}: {count} expired by"
                    f" {_html(rules)}</summary>\n\n{table}\n\n</details>\n"
                ),
                folded=(
                    f"\n- {code(part.repository)}: {count} expired by {code(rules)},"
                    " rows left out\n"
                ),
            )


def _html(text: str) -> str:
    """Quote a text inside of HTML, where Markdown is not read."""
    return f"<code>{escape(shortened(safe(text), LONGEST))}</code>"


def details(found: Iterator[Group], room: int) -> str:
    """Write as many groups as fit: the largest lose their rows first, then the smallest go."""
    chosen = list(found)
    texts = [group.full for group in chosen]
    total = sum(map(octets, texts))
    by_size = sorted(range(len(chosen)), key=lambda number: -chosen[number].images)
    for number in by_size:
        if total <= room:
            break
        total += octets(chosen[number].folded) - octets(texts[number])
        texts[number] = chosen[number].folded
    left_out = 0
    while by_size and total > room - (_NOTE_BYTES if left_out else 0):
        number = by_size.pop()
        total -= octets(texts[number])
        texts[number] = ""
        left_out += 1
    note = f"\n{counted(left_out, 'smaller group')} left out; the saved plan has them all.\n"
    return "".join(texts) + (note if left_out else "")


def _rows(images: Sequence[Expired], plan: Plan) -> Iterator[str]:
    yield row("Tags", "Digest", "Age", "Size", "Reason")
    yield "| --- | --- | ---: | ---: | --- |"
    for image in images[:ROWS]:
        known = image.age(plan.evaluated_at)
        yield row(
            code(image.name),
            code(image.root.digest.short),
            age(known) if known is not None else "",
            size(image.size) if image.size else "",
            f"{code(image.reason)} {following(image.followers)}".rstrip(),
        )
    if len(images) > ROWS:
        yield f"\n{counted(len(images) - ROWS, 'more image')} left out."
