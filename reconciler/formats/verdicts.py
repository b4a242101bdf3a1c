"""Why one version stays or goes, in a sentence, and by which rules, in lines."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from reconciler.core.fate import Chain, Fate
from reconciler.formats.humanise import counted
from reconciler.formats.paper import line, wrapped
from reconciler.formats.rows import shown
from reconciler.formats.view import View
from reconciler.model.inventory import Version
from reconciler.model.plan import Cause


def name_of(version: Version) -> str:
    """Name a version as people know it, and by the start of its digest."""
    return f"{', '.join(version.tags)} {version.digest.short}".lstrip()


def verdict(fate: Fate) -> str:
    """Say whether a version stays or goes, and what decides that."""
    if fate.cause is Cause.EXPIRED:
        return "goes: no rule keeps it"
    if fate.cause is Cause.FOLLOWS:
        return f"goes with {_listed([chain.path[-1] for chain in fate.chains])}"
    return f"stays: {fate.note or _keepers(fate)}"


def reasons(fate: Fate, view: View) -> Iterator[Text]:
    """Print each image that decides, and what every rule that saw it says of it."""
    for chain in shown(fate.chains, view):
        yield line(f"    {_heading(chain)}")
        for reason in chain.decision.reasons or ("no rule saw it",):
            yield from wrapped(reason, view, lead="      ")
    hidden = len(fate.chains) - len(shown(fate.chains, view))
    if hidden:
        yield line(f"    ... and {counted(hidden, 'more image')}")


def _heading(chain: Chain) -> str:
    *way, image = chain.path
    between = [name_of(version) for version in reversed(way[1:])]
    through = f" through {', '.join(between)}" if between else ""
    subject = f"{name_of(image)}{through}" if way else "the image itself"
    return f"{subject} {'goes' if chain.decision.goes else 'stays'}"


def _keepers(fate: Fate) -> str:
    """Say what keeps a version: rules and protections, or the images that need it."""
    if fate.own:
        keeping = [opinion.rule for opinion in fate.own.opinions if opinion.keeps]
        verb = "protects" if fate.cause is Cause.PROTECTED else "keeps"
        return f"{keeping[0]} {verb} it" if keeping else str(fate.cause)
    staying = [chain.path[-1] for chain in fate.chains if not chain.decision.goes]
    return f"needed by {_listed(staying)}"


def _listed(images: Sequence[Version]) -> str:
    more = f" and {counted(len(images) - 1, 'more image')}" if len(images) > 1 else ""
    return f"{name_of(images[0])}{more}"
