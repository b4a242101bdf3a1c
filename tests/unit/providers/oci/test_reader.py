"""What a plain registry is asked beside its tags: documents, presence, referrers, repositories."""

import json
from pathlib import Path

import httpx
import pytest

from reconciler.errors import AccessError, ManifestError, ProtocolError, UnreachableError
from reconciler.model.inventory import Fact, Version
from reconciler.model.manifest import parse_manifest
from reconciler.model.names import Digest, Tag
from tests.support.documents import Document, artifact, image, index
from tests.support.oci import (
    ABSENT,
    API,
    NOBODY,
    WEB,
    digests,
    document,
    error,
    known,
    reader,
    site,
)
from tests.support.scripted_server import Site

ONE, TWO = document("one"), document("two")
(ONE_DIGEST, TWO_DIGEST) = digests(ONE, TWO)
UNHELPFUL = [
    httpx.Response(404, text="<html>no such host</html>"),
    httpx.Response(404, text="404 page not found"),
    error(404, "UNSUPPORTED"),
    httpx.Response(404, json={"errors": "MANIFEST_UNKNOWN"}),
    httpx.Response(404, json={"errors": [{"code": ["MANIFEST_UNKNOWN"]}]}),
    httpx.Response(400),
    httpx.Response(302),
]


def test_a_plain_registry_knows_no_time_of_pushing_and_no_way_back() -> None:
    capabilities = reader(site({})).capabilities

    assert capabilities.facts == set(Fact) - {Fact.PUSHED}
    assert (capabilities.undo, capabilities.referrers) == (False, True)


def test_a_document_is_read_and_one_that_is_not_there_is_none() -> None:
    server = site({"v1": ONE})
    server.pages[f"{API}/manifests/{NOBODY}"] = ABSENT

    found = reader(server).documents.manifests(WEB, [ONE_DIGEST, NOBODY])

    assert found[NOBODY] is None
    assert found[ONE_DIGEST] == parse_manifest(ONE_DIGEST, ONE.media_type, ONE.content)


def test_a_document_in_the_cache_is_not_asked_for_again(tmp_path: Path) -> None:
    server = site({"v1": ONE})
    first = reader(server, cache=tmp_path / "cache").documents.manifests(WEB, [ONE_DIGEST])
    asked = len(server.requests)

    again = reader(server, cache=tmp_path / "cache").documents.manifests(WEB, [ONE_DIGEST])

    assert again == first
    assert len(server.requests) == asked


def test_other_bytes_than_the_digest_promises_are_refused() -> None:
    server = Site({f"{API}/manifests/{ONE_DIGEST}": known(TWO)})

    with pytest.raises(ManifestError, match="other bytes than this digest promises"):
        reader(server).documents.manifests(WEB, [ONE_DIGEST])


def test_a_document_cut_short_is_refused() -> None:
    answer = httpx.Response(200, content=ONE.content[:-1])
    server = Site({f"{API}/manifests/{ONE_DIGEST}": answer})

    with pytest.raises(ManifestError):
        reader(server).documents.manifests(WEB, [ONE_DIGEST])


def test_a_document_that_is_too_large_is_refused_while_it_comes() -> None:
    answer = httpx.Response(200, content=b" " * (4 * 1024 * 1024 + 1))
    server = Site({f"{API}/manifests/{ONE_DIGEST}": answer})

    with pytest.raises(ProtocolError, match="more than 4194304 bytes"):
        reader(server).documents.manifests(WEB, [ONE_DIGEST])


@pytest.mark.parametrize("answer", UNHELPFUL)
def test_only_the_registrys_own_word_is_an_absence(answer: httpx.Response) -> None:
    server = Site({f"{API}/manifests/{ONE_DIGEST}": answer})

    with pytest.raises(ProtocolError, match=f"GET https://registry.example{API}/manifests"):
        reader(server).documents.manifests(WEB, [ONE_DIGEST])
    with pytest.raises(ProtocolError, match=f"https://registry.example{API}/manifests"):
        reader(server).documents.present(WEB, [ONE_DIGEST])


def test_presence_is_asked_of_the_registry_and_not_of_the_cache(tmp_path: Path) -> None:
    server = site({"v1": ONE})
    oci = reader(server, cache=tmp_path / "cache")
    oci.documents.manifests(WEB, [ONE_DIGEST])
    server.pages[f"{API}/manifests/{ONE_DIGEST}"] = ABSENT

    assert oci.documents.present(WEB, [ONE_DIGEST]) == {ONE_DIGEST: False}


def test_presence_costs_one_request_without_a_body() -> None:
    server = site({"v1": ONE})

    found = reader(server).documents.present(WEB, [ONE_DIGEST])

    assert found == {ONE_DIGEST: True}
    assert server.asked() == [f"HEAD {API}/manifests/{ONE_DIGEST}"]


def test_a_version_is_seen_with_the_tags_that_still_point_to_it() -> None:
    server = site({"v1": ONE, "latest": TWO, "gone": ONE})
    server.pages[f"{API}/manifests/gone"] = ABSENT
    observed = Version(ONE_DIGEST, (Tag("gone"), Tag("latest"), Tag("v1")), id="7")

    found = reader(server).version(WEB, observed)

    assert found == Version(ONE_DIGEST, (Tag("v1"),), id="7")


def test_a_tag_that_the_last_listing_saw_arrive_is_seen() -> None:
    server = site({"v1": ONE, "prod": ONE})
    oci = reader(server)
    oci.newest(WEB, "")

    found = oci.version(WEB, Version(ONE_DIGEST, (Tag("v1"),)))

    assert found == Version(ONE_DIGEST, (Tag("prod"), Tag("v1")))


def test_several_versions_are_looked_at_together_and_a_tag_that_changed_sides_is_seen() -> None:
    server = site({"v1": ONE, "v2": ONE})
    server.pages[f"{API}/manifests/{TWO_DIGEST}"] = known(TWO)
    server.pages[f"{API}/manifests/{NOBODY}"] = ABSENT
    server.pages[f"{API}/manifests/v3"] = ABSENT
    observed = [Version(ONE_DIGEST, (Tag("v1"),)), Version(TWO_DIGEST, (Tag("v2"),))]

    found = reader(server).look(WEB, [*observed, Version(NOBODY, (Tag("v3"),))])

    assert found == {
        ONE_DIGEST: Version(ONE_DIGEST, (Tag("v1"), Tag("v2"))),
        TWO_DIGEST: Version(TWO_DIGEST),
    }


def test_a_tag_that_still_leads_to_a_version_proves_it_present() -> None:
    server = site({"v1": ONE})

    reader(server).look(WEB, [Version(ONE_DIGEST, (Tag("v1"),))])

    assert server.asked() == [f"HEAD {API}/manifests/v1"]


def test_a_version_that_is_gone_is_none() -> None:
    server = Site({f"{API}/manifests/{name}": ABSENT for name in (ONE_DIGEST, "v1")})

    assert reader(server).version(WEB, Version(ONE_DIGEST, (Tag("v1"),))) is None


def test_referrers_are_read_page_by_page() -> None:
    bundle, sbom = artifact("bundle", subject=ONE), artifact("sbom", subject=ONE)
    path = f"{API}/referrers/{ONE_DIGEST}"

    def page(*listed: Document, link: str = "") -> httpx.Response:
        return httpx.Response(200, content=index(*listed).content, headers={"link": link})

    server = Site(
        {
            path: page(bundle, link=f'<{path}?page=2>; rel="next"'),
            f"{path}?page=2": page(sbom),
            f"{API}/referrers/{TWO_DIGEST}": page(),
        }
    )

    found = reader(server).referrers(WEB, [ONE_DIGEST, TWO_DIGEST])

    assert found == {ONE_DIGEST: tuple(digests(bundle, sbom)), TWO_DIGEST: ()}


@pytest.mark.parametrize("status", [400, 404, 405, 406])
def test_a_registry_without_referrers_is_asked_once(status: int) -> None:
    server = Site({f"{API}/referrers/{ONE_DIGEST}": httpx.Response(status, text="no page")})
    oci = reader(server)

    first = oci.referrers(WEB, [ONE_DIGEST])
    second = oci.referrers(WEB, [ONE_DIGEST, TWO_DIGEST])

    assert (first, second) == ({}, {})
    assert not oci.capabilities.referrers
    assert len(server.requests) == 1


def test_an_unknown_subject_has_no_referrers_and_the_next_may() -> None:
    server = Site({f"{API}/referrers/{ONE_DIGEST}": ABSENT})
    oci = reader(server)

    found = oci.referrers(WEB, [ONE_DIGEST])

    assert found == {ONE_DIGEST: ()}
    assert oci.capabilities.referrers


@pytest.mark.parametrize("status", [429, 500, 503])
def test_referrers_that_cannot_be_read_are_not_taken_for_none(status: int) -> None:
    server = Site({f"{API}/referrers/{ONE_DIGEST}": httpx.Response(status)})

    with pytest.raises(UnreachableError):
        reader(server).referrers(WEB, [ONE_DIGEST])


def test_a_refusal_of_referrers_is_a_missing_right() -> None:
    server = Site({f"{API}/referrers/{ONE_DIGEST}": error(403, "DENIED")})

    with pytest.raises(AccessError, match=f"GET https://registry.example{API}/referrers"):
        reader(server).referrers(WEB, [ONE_DIGEST])


@pytest.mark.parametrize(
    "body", ["<html>", "{}", "[]", '{"manifests": [{}]}', '{"manifests": [{"digest": "x"}]}']
)
def test_a_list_of_referrers_that_is_none_is_an_error(body: str) -> None:
    server = Site({f"{API}/referrers/{ONE_DIGEST}": httpx.Response(200, text=body)})

    with pytest.raises(ProtocolError, match="referrers"):
        reader(server).referrers(WEB, [ONE_DIGEST])


def test_the_time_of_creation_is_in_the_configuration_wherever_that_is_kept() -> None:
    old = image("old", created="2026-01-02T03:04:05.678901234+02:00")
    config = Digest(json.loads(old.content)["config"]["digest"])
    moved = httpx.Response(307, headers={"location": "https://cdn.example/blob"})
    server = Site(
        {f"{API}/blobs/{config}": moved, "/blob": httpx.Response(200, content=old.blobs[0])}
    )
    (digest,) = digests(old)

    told = reader(server).documents.created(
        WEB, [parse_manifest(digest, old.media_type, old.content)]
    )

    moment = told[digest]
    assert moment is not None
    assert moment.isoformat() == "2026-01-02T01:04:05.678901+00:00"


def test_the_servers_clock_and_the_count_of_requests_are_told() -> None:
    server = Site(
        {
            f"{API}/manifests/{NOBODY}": httpx.Response(
                200, headers={"date": "Mon, 02 Nov 2026 12:00:00 GMT"}
            )
        }
    )
    oci = reader(server)

    oci.documents.present(WEB, [NOBODY])

    moment = oci.server_time()
    assert moment is not None
    assert (moment.isoformat(), oci.requests(WEB)) == ("2026-11-02T12:00:00+00:00", 1)
