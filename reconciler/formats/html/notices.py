"""What a reader of a plan must know before anything else: what stops it, and what is odd."""

from collections.abc import Iterator

from reconciler.formats import sentences
from reconciler.formats.html.parts import Notice
from reconciler.model.plan import Plan, RepositoryPlan

TEXTS = 200
"""Most sentences of one notice."""


def notices(plan: Plan) -> Iterator[Notice]:
    """Yield what stops a plan, then its warnings; nothing, where all is well."""
    stops = [f"{one.pattern} {sentences.unlisted(one)}" for one in plan.unlisted]
    stops += [f"{part.repository} {text}" for part in plan.repositories for text in _stops(part)]
    if stops:
        yield Notice(sentences.hindrance(plan), bounded(stops), "goes")
    warnings = [f"{part.repository}: {text}" for part in plan.repositories for text in _odd(part)]
    if warnings:
        yield Notice("Warnings", bounded(warnings))


def bounded(texts: list[str]) -> list[str]:
    """Keep the first sentences, and say how many more there are."""
    more = len(texts) - TEXTS
    return [*texts[:TEXTS], f"... and {more:,} more"] if more > 0 else texts


def _stops(part: RepositoryPlan) -> Iterator[str]:
    if not part.complete:
        yield ". ".join(filter(None, [f"is incomplete: {part.error}", part.hint]))
    for guard in part.guards:
        if not guard.ok:
            yield (
                f"is stopped by {guard.name}: {sentences.stops(guard)}."
                f" To let it pass once, plan with {guard.override}"
            )


def _odd(part: RepositoryPlan) -> Iterator[str]:
    yield from sentences.no_undo(part)
    yield from sentences.strained(part)
    yield from part.warnings
    yield from (f"broken already: {text}" for text in part.missing)
