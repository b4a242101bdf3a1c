"""The images that a plan deletes, each with its platform manifests and referrers counted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from reconciler.model.causes import Cause
from reconciler.model.plan import RepositoryPlan
from reconciler.model.plan_rows import Change

# An unknown age sorts as the newest, because an image of unknown age counts as new.
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ExpiredImage:
    """One image to delete, with all versions that are deleted with it.

    Units: `size` in bytes, of the image and its followers together.
    """

    root: Change
    followers: int
    size: int

    @property
    def name(self) -> str:
        """The tags of the image."""
        return ", ".join(self.root.observed.tags) or "(untagged)"

    @property
    def moment(self) -> datetime | None:
        """When it was pushed or, where the registry does not say, first observed."""
        return self.root.observed.pushed or self.root.observed.first_seen

    @property
    def rules(self) -> str:
        """The rules that expire it."""
        return ", ".join(self.root.rules) or "no rule"

    @property
    def reason(self) -> str:
        """Why it is deleted; the rule's name is left out where there is only one."""
        reasons = "; ".join(self.root.reasons)
        return reasons.removeprefix(f"{self.rules}: ") if len(self.root.rules) == 1 else reasons

    def age(self, now: datetime) -> timedelta | None:
        """How old it is, where that is known."""
        return now - self.moment if self.moment else None


def expired(part: RepositoryPlan) -> Iterator[ExpiredImage]:
    """Yield the images that are deleted from a repository, in the order of the plan."""
    for _, component in groupby(part.changes, key=lambda change: change.component):
        members = tuple(component)
        # A component may have no expired image; then its first version is shown, so that no
        # deletion is hidden.
        roots = [member for member in members if member.cause is Cause.EXPIRED] or [members[0]]
        others = sum(root.observed.size for root in roots[1:])
        total = sum(member.observed.size for member in members)
        # The first image has all other versions of the component as followers, so that each
        # version is counted once.
        yield ExpiredImage(roots[0], len(members) - len(roots), total - others)
        for root in roots[1:]:
            yield ExpiredImage(root, 0, root.observed.size)


def newest_first(images: Iterable[ExpiredImage]) -> list[ExpiredImage]:
    """Sort images by age, the newest first: these are closest to being kept."""
    return sorted(images, key=lambda image: image.moment or _LATEST, reverse=True)


def by_rules(images: Iterable[ExpiredImage]) -> Mapping[str, list[ExpiredImage]]:
    """Group images by the rules that expire them, the newest of each first."""
    groups: dict[str, list[ExpiredImage]] = defaultdict(list)
    for image in newest_first(images):
        groups[image.rules].append(image)
    return dict(sorted(groups.items()))
