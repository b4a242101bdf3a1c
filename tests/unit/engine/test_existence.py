"""A repository that the registry does not know is no empty one."""

from pathlib import Path

import pytest

from reconciler.engine.inspect import examine
from reconciler.engine.observe import observe, require_known
from reconciler.engine.read_all import look_ahead, read_whole
from reconciler.errors import EvidenceError, ExitCode
from reconciler.model.inventory import Observation, Observations
from reconciler.model.names import Digest
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import Listing
from reconciler.state.local import LocalState
from tests.support.oci import NOBODY, TAGS, WEB, document, error, known, names, reader
from tests.support.scripted_server import Site
from tests.support.time import NOON

UNKNOWN = error(404, "NAME_UNKNOWN", "repository name not known to registry")
REMEMBERED = Observations(digests={NOBODY: Observation(first_seen=NOON)})


def test_a_name_that_the_registry_does_not_know_is_missing_evidence(tmp_path: Path) -> None:
    oci = reader(Site({TAGS: UNKNOWN}))

    with pytest.raises(EvidenceError, match=f"{WEB}: .* no such repository$") as planned:
        observe(oci, WEB)
    with pytest.raises(EvidenceError, match="no such repository$"):
        read_whole(oci, look_ahead(oci, WEB), Observations())
    verified = examine(oci, WEB, LocalState(tmp_path).of(WEB), blobs=False)

    assert planned.value.exit_code is ExitCode.EVIDENCE_INCOMPLETE
    assert "Check its name" in planned.value.hint
    assert verified.exit_code is ExitCode.EVIDENCE_INCOMPLETE


def test_a_repository_without_a_tag_is_empty() -> None:
    assert observe(reader(Site({TAGS: names()})), WEB).versions == {}


def test_a_repository_that_its_catalogue_names_is_there_without_a_tag() -> None:
    catalogue = names("acme/web", member="repositories")
    oci = reader(Site({TAGS: UNKNOWN, "/v2/_catalog": catalogue}))

    assert oci.repositories(RepositoryGlob("registry.example/acme/*")) == [WEB]
    assert observe(oci, WEB).versions == {}


def test_a_repository_whose_untagged_images_are_there_is_there() -> None:
    left = document("left")
    pages = {f"/v2/acme/web/manifests/{left.digest}": known(left)}
    seen = Observations(digests={Digest(left.digest): Observation(first_seen=NOON)})

    found = observe(reader(Site({TAGS: UNKNOWN, **pages})), WEB, observations=seen)

    assert list(found.versions) == [left.digest]


def test_a_repository_that_had_images_and_is_unknown_now_is_told_of_as_such() -> None:
    absent = {f"/v2/acme/web/manifests/{NOBODY}": error(404, "NAME_UNKNOWN")}

    with pytest.raises(
        EvidenceError, match="the state has observations of 1 images of it"
    ) as raised:
        observe(reader(Site({TAGS: UNKNOWN, **absent})), WEB, observations=REMEMBERED)

    assert "storage in place" in raised.value.hint


def test_a_registry_that_lists_everything_says_itself_what_is_there() -> None:
    require_known(reader(Site({})), WEB, Listing((), closed=True), [], REMEMBERED)
