"""Policies on whole repositories: every decision with its reasons, as people read them.

`python -m tests.golden.test_decisions` writes the expected texts anew, to be reviewed as a diff.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import wrap

import pytest

from reconciler.core.decide import Decision
from reconciler.model.durations import as_span
from reconciler.model.inventory import Version
from reconciler.model.plan import RepositoryPlan
from tests.golden import repositories
from tests.support.inventories import decisions, name_of, planned
from tests.support.time import NOON

_FOLDER = Path(__file__).parent / "decisions"
REPOSITORIES: dict[str, Callable[[], Iterator[Version]]] = {
    "web": repositories.web,
    "nightly": repositories.nightly,
    "services": repositories.services,
    "regulated": repositories.regulated,
    "plain": repositories.plain,
}


@pytest.mark.parametrize("name", REPOSITORIES)
def test_every_decision_is_the_one_that_was_reviewed(name: str) -> None:
    assert _picture(name) == (_FOLDER / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_repository_has_enough_images_to_tell_something(name: str) -> None:
    document = (_FOLDER / f"{name}.yaml").read_text()

    assert len(decisions(document, *REPOSITORIES[name]()).images) > 50


def _picture(name: str) -> str:
    """Write all decisions on a repository, then what the plan says besides."""
    document, versions = (_FOLDER / f"{name}.yaml").read_text(), list(REPOSITORIES[name]())
    images = decisions(document, *versions).images.values()
    plan = planned(document, *versions)
    lines = [
        f"{name}: {len(versions)} versions, {len(images)} images, at {NOON:%Y-%m-%d %H:%M} UTC",
        "",
        *(line for one in sorted(images, key=_newest_first) for line in _decision(one)),
        "",
        *_facts(plan),
        "",
        "deleted in this order, | between images:",
        *_components(plan),
    ]
    return "\n".join(lines) + "\n"


def _newest_first(decision: Decision) -> tuple[float, str]:
    pushed = decision.image.version.pushed
    return -(pushed or NOON).timestamp(), decision.image.digest


def _decision(decision: Decision) -> Iterator[str]:
    """Write one image: what happens, its name, age, tags and verdict, and every reason."""
    pushed = decision.image.version.pushed
    age = as_span(NOON - pushed) if pushed else "?"
    tags = ", ".join(tag[:13] for tag in decision.image.tags) or "(untagged)"
    sign = "-" if decision.expires else "="
    yield f"{sign} {name_of(decision.image.digest)} {age} {tags}: {decision.cause}"
    yield from (f"    {_shortened(reason)}" for reason in decision.reasons)


def _facts(plan: RepositoryPlan) -> Iterator[str]:
    kept = ", ".join(f"{name} {count}" for name, count in plan.kept.items())
    families = ", ".join(f"{family.pattern} {family.count}" for family in plan.unmatched)
    guards = ", ".join(
        f"{guard.name} {guard.actual} of {guard.limit}{'' if guard.ok else ' STOPS'}"
        for guard in plan.guards
    )
    waiting = plan.waiting
    yield f"kept: {kept}"
    yield f"unknown tags: {families or 'none'}"
    yield f"guards: {guards}"
    if waiting:
        yield f"waiting: {waiting.count}, the first until {waiting.until or 'unknown'}"
    yield from (f"missing: {_shortened(text)}" for text in plan.missing)
    yield from (f"warning: {text}" for text in plan.warnings)


def _components(plan: RepositoryPlan) -> Iterator[str]:
    numbers = dict.fromkeys(change.component for change in plan.changes)
    parts = (
        ", ".join(name_of(one.digest) for one in plan.changes if one.component == number)
        for number in numbers
    )
    text = " | ".join(parts)
    yield from wrap(text, 100, break_on_hyphens=False, initial_indent="  ", subsequent_indent="  ")


def _shortened(text: str) -> str:
    """Write digests as the names they spell."""
    words = (name_of(word) if word.startswith("sha256:") else word for word in text.split(" "))
    return " ".join(words)


def _write() -> None:
    for name in REPOSITORIES:
        (_FOLDER / f"{name}.txt").write_text(_picture(name))


if __name__ == "__main__":
    _write()
