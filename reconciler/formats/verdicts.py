"""Why one version stays or goes, in a sentence, and by which rules, in lines."""

from collections.abc import Callable, Iterator, Sequence

from rich.text import Text

from reconciler.core.explaining.fate import Chain, VersionFate
from reconciler.formats.humanise import counted
from reconciler.formats.paper import line, wrapped
from reconciler.formats.rows import first_rows
from reconciler.formats.view import View
from reconciler.model.inventory import Version
from reconciler.model.plan import Cause

Naming = Callable[[Version], str]
"""How versions are called where they are spoken of."""


def by_digest(version: Version) -> str:
    """Name a version of a registry: by its tags, and by the start of its digest."""
    return f"{', '.join(version.tags)} {version.digest.short}".lstrip()


def verdict(fate: VersionFate, naming: Naming = by_digest) -> str:
    """Say whether a version stays or goes, and what decides that."""
    if fate.cause is Cause.EXPIRED:
        return "goes: no rule keeps it"
    if fate.cause is Cause.FOLLOWS:
        return f"goes with {_listed([chain.path[-1] for chain in fate.chains], naming)}"
    return f"stays: {fate.note or _keepers(fate, naming)}"


def reasons(fate: VersionFate, view: View, naming: Naming = by_digest) -> Iterator[Text]:
    """Print each image that decides, and what every rule that saw it says of it."""
    for chain in first_rows(fate.chains, view):
        yield from wrapped(_heading(chain, naming), view, lead="    ")
        for reason in (*chain.decision.reasons, *_doubts(chain)):
            yield from wrapped(reason, view, lead="      ")
    hidden = len(fate.chains) - len(first_rows(fate.chains, view))
    if hidden:
        yield line(f"    ... and {counted(hidden, 'more image')}")


def _heading(chain: Chain, naming: Naming) -> str:
    *way, image = chain.path
    between = [naming(version) for version in reversed(way[1:])]
    through = f" through {', '.join(between)}" if between else ""
    subject = f"{naming(image)}{through}" if way else "the image itself"
    return f"{subject} {'goes' if chain.decision.expires else 'stays'}"


def _doubts(chain: Chain) -> Iterator[str]:
    doubtful = [opinion.rule for opinion in chain.decision.opinions if opinion.is_doubtful]
    if doubtful:
        yield f"counts as new for {', '.join(doubtful)}: its time is unknown or lies ahead"


def _keepers(fate: VersionFate, naming: Naming) -> str:
    """Say what keeps a version: rules and protections, or the images that need it."""
    if fate.cause is Cause.NEEDED:
        others = [chain for chain in fate.chains if len(chain.path) > 1]
        staying = [chain.path[-1] for chain in others if not chain.decision.expires]
        return f"needed by {_listed(staying, naming)}"
    opinions = fate.own.opinions if fate.own else ()
    keeping = [opinion.rule for opinion in opinions if opinion.keeps]
    return f"{keeping[0]} {'protects' if fate.cause is Cause.PROTECTED else 'keeps'} it"


def _listed(images: Sequence[Version], naming: Naming) -> str:
    more = f" and {counted(len(images) - 1, 'more image')}" if len(images) > 1 else ""
    return f"{naming(images[0])}{more}"
