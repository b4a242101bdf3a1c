"""The charts of a plan. Each shows what the plan holds: the ages of what stays are not in it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from reconciler.formats.html.parts import Bar, Chart, Tone
from reconciler.formats.images import Expired
from reconciler.formats.sentences import keeper
from reconciler.model.plan import Plan

BARS = 12
"""Most bars of one chart; the smallest are put together."""

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
"""The columns of ages: a name, and the age that is too old for it."""

_UNKNOWN = "unknown"


def going(images: Iterable[Expired]) -> Chart:
    """Count the images that go by the rules that let them expire."""
    counts = Counter(image.rules for image in images)
    return Chart("Images that go, by the rules that let them expire", _bars(counts, "goes"))


def staying(plan: Plan) -> Chart:
    """Count the images that stay by what keeps them."""
    counts: Counter[str] = Counter()
    for part in plan.repositories:
        counts.update({keeper(name): count for name, count in part.kept.items()})
    return Chart("Images that stay, by what keeps them", _bars(counts, "stays"))


def ages(images: Iterable[Expired], now: datetime) -> Chart | None:
    """Count the images that go by age; nothing, where the plan knows no age at all."""
    counts = Counter(_column(image.age(now)) for image in images)
    if counts.total() == counts[_UNKNOWN]:
        return None
    names = [name for name, _ in _SPANS] + [_UNKNOWN] * bool(counts[_UNKNOWN])
    return Chart(
        "Age of the images that go", [Bar(name, counts[name], "", "goes") for name in names]
    )


def _column(age: timedelta | None) -> str:
    if age is None:
        return _UNKNOWN
    return next(name for name, older in _SPANS if age < older)


def _bars(counts: Counter[str], tone: Tone) -> list[Bar]:
    return [Bar(name, count, "", tone) for name, count in _largest(counts)]


def _largest(counts: Counter[str]) -> Iterator[tuple[str, int]]:
    """Yield the largest counts, and what all others come to."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    yield from ordered[:BARS]
    if rest := ordered[BARS:]:
        yield f"{len(rest):,} others", sum(count for _, count in rest)
