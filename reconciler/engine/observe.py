"""Read one repository whole: its listing, then as few documents as prove what keeps what."""

from collections.abc import Collection, Mapping, Set
from dataclasses import replace
from datetime import datetime

from reconciler.engine.created import creation_times
from reconciler.engine.existence import require_known
from reconciler.engine.follow import TagOnlyObserver
from reconciler.engine.survey import ListingObserver
from reconciler.errors import EvidenceError
from reconciler.model.inventory import Evidence, Fact, Inventory, Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.observations import Observation, Observations
from reconciler.model.ports import Listing, RegistryReader


def observe(
    reader: RegistryReader,
    repository: Repository,
    *,
    facts: frozenset[Fact] = frozenset(),
    seen: Observations | None = None,
    opaque: Set[Digest] = frozenset(),
    whole: bool = False,
) -> Inventory:
    """Read a repository, all or nothing. `facts` names times that cost extra requests.

    Nothing is read from what is declared `opaque`. `whole` reads every other document, so that
    nothing that goes is unread, and nothing that stays lists it unseen.

    Raises: EvidenceError, when anything could not be read whole and verified; AccessError.
    """
    before = reader.requests
    seen = seen or Observations()
    listing = reader.listing(repository)
    _refuse_broken(repository, listing)
    if whole and listing.closed:
        _confirm_absence(reader, repository, listing, seen.digests.keys() - opaque)
    versions, documents = _read(reader, repository, listing, seen, opaque, whole=whole)
    require_known(repository, listing, [version.digest for version in versions], seen)
    times = creation_times(reader, repository, documents) if Fact.CREATED in facts else {}
    return Inventory.of(
        repository,
        (remembered(version, documents, times, seen) for version in versions),
        facts=reader.capabilities.facts,
        evidence=Evidence(
            pages=listing.pages, requests=reader.requests - before, watermark=listing.watermark
        ),
        visibility=listing.visibility,
        doubt=listing.doubt,
    )


def _read(
    reader: RegistryReader,
    repository: Repository,
    listing: Listing,
    seen: Observations,
    opaque: Set[Digest],
    *,
    whole: bool,
) -> tuple[Collection[Version], Mapping[Digest, Manifest]]:
    if listing.closed:
        survey = ListingObserver(reader, repository, listing.versions, opaque)
        return listing.versions, survey.read_all() if whole else survey.run()
    trail = TagOnlyObserver(reader, repository, listing.versions, opaque=opaque, whole=whole)
    trail.run(seen.digests)
    return trail.versions.values(), trail.documents


def _refuse_broken(repository: Repository, listing: Listing) -> None:
    """Refuse a listing with tags that stand for nothing: what they stood for may come back.

    Raises: EvidenceError, naming all of them.
    """
    if listing.broken:
        tags = ", ".join(listing.broken)
        raise EvidenceError(
            f"{repository}: these tags are listed, but the registry has no manifest for them:"
            f" {tags}",
            hint="Nothing was deleted in this repository. Run again, in case the registry"
            f" recovers. Else push each anew, say `skopeo copy docker://IMAGE"
            f" docker://{repository}:{listing.broken[0]}`, or delete the tag by hand where the"
            " registry can.",
        )


def _confirm_absence(
    reader: RegistryReader, repository: Repository, listing: Listing, seen: Set[Digest]
) -> None:
    """Ask one by one for what earlier runs saw and the listing lacks.

    Our own deletions are no longer among the observations, so this is what others deleted since;
    or what a listing hides that lags behind, with everything that it lists.

    Raises: EvidenceError, when the registry still has something that it neither lists nor calls
        deleted; AccessError.
    """
    absent = sorted(seen - {version.digest for version in listing.versions})
    here = [digest for digest, found in reader.present(repository, absent).items() if found]
    if here:
        deleted = {version.digest for version in reader.deleted(repository)}
        here = [digest for digest in here if digest not in deleted]
    if here:
        raise EvidenceError(
            f"{repository}: the listing lacks what the registry still has: {', '.join(here)}",
            hint="Nothing was deleted in this repository. Run again later, since a listing may lag"
            " behind. If it stays so and nothing needs them, declare under `protect` of the"
            " policy that nothing is read from them, with `digests: [...]` and `opaque: true`.",
        )


def remembered(
    version: Version,
    documents: Mapping[Digest, Manifest],
    times: Mapping[Digest, datetime],
    seen: Observations,
) -> Version:
    """Add to a version its document, and what earlier runs noted."""
    noted = seen.digests.get(version.digest)
    return replace(
        version,
        manifest=documents.get(version.digest),
        created=times.get(version.digest),
        first_seen=noted.first_seen if noted else None,
        untagged_since=noted.untagged_since if noted and not version.tags else None,
        tagged_since=_tagged_since(version, noted) if noted else None,
    )


def _tagged_since(version: Version, noted: Observation) -> datetime | None:
    """Return since when a version has its tags; unknown where one came after the last run."""
    return noted.tagged_since if version.tags and not noted.arrived(version.tags) else None
