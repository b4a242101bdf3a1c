"""What a plain registry lists: tags with their digests, whole or not at all."""

import httpx
import pytest

from reconciler.engine.observe import observe
from reconciler.errors import AccessError, EvidenceError, ProtocolError, UnreachableError
from reconciler.providers.oci.errors import Action, failure
from reconciler.transport.credentials import ANONYMOUS
from tests.support.oci import (
    ABSENT,
    API,
    CREDENTIAL,
    TAGS,
    WEB,
    digests,
    document,
    error,
    known,
    names,
    reader,
    site,
)
from tests.support.scripted_server import Answer, Answers, Site

ONE, TWO, THREE = document("one"), document("two"), document("three")


def test_tags_are_grouped_by_the_digest_they_point_to() -> None:
    listing = reader(site({"latest": TWO, "v1": ONE, "v2": TWO})).listing(WEB)

    assert {version.digest: version.tags for version in listing.versions} == {
        ONE.digest: ("v1",),
        TWO.digest: ("latest", "v2"),
    }
    assert (listing.closed, listing.pages, listing.watermark) == (False, 1, "")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"name": "acme/web", "tags": None}),
        httpx.Response(200, json={"name": "acme/web", "tags": []}),
        error(404, "NAME_UNKNOWN", "repository name not known to registry"),
    ],
)
def test_a_repository_without_tags_is_empty_or_unknown(answer: httpx.Response) -> None:
    listing = reader(Site({TAGS: answer})).listing(WEB)

    assert listing.versions == ()
    assert listing.unknown == (answer.status_code == 404)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="404 page not found"),
        httpx.Response(404, text="<html>no such host</html>"),
        error(404, "UNSUPPORTED"),
        httpx.Response(200, text="<html>welcome</html>"),
        httpx.Response(200, json=["v1"]),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"tags": {"v1": 1}}),
        httpx.Response(200, json={"tags": ["v1", 2]}),
        httpx.Response(204),
        error(400, "NAME_INVALID"),
    ],
)
def test_an_answer_that_is_no_list_is_never_taken_for_an_empty_one(answer: httpx.Response) -> None:
    with pytest.raises(ProtocolError, match=f"GET https://registry.example{TAGS}"):
        reader(Site({TAGS: answer})).listing(WEB)


def test_an_outage_is_no_empty_list() -> None:
    with pytest.raises(UnreachableError):
        reader(Site({TAGS: httpx.Response(503)})).listing(WEB)


@pytest.mark.parametrize("tag", ["-dash", "a b", "", "x" * 129, "\x1b[31mred", "a/b"])
def test_a_text_that_is_no_tag_is_an_error_that_spells_it_out(tag: str) -> None:
    with pytest.raises(ProtocolError, match="is not a tag") as raised:
        reader(Site({TAGS: names("v1", tag)})).listing(WEB)

    assert str(raised.value).isprintable()


def test_every_page_is_read() -> None:
    pages: dict[str, Answer] = {
        f"{TAGS}?n=1000": names("v1", link=f'<{TAGS}?n=1&last=v1>; rel="next"'),
        f"{TAGS}?n=1&last=v1": names("v2", "v1"),
    }
    server = site({"v1": ONE, "v2": TWO})
    server.pages |= pages

    listing = reader(server).listing(WEB)

    assert listing.pages == 2
    assert {tag for version in listing.versions for tag in version.tags} == {"v1", "v2"}


def test_a_page_that_fails_spoils_the_whole_list() -> None:
    server = site({"v1": ONE})
    server.pages |= {
        f"{TAGS}?n=1000": names("v1", link=f'<{TAGS}?last=v1>; rel="next"'),
        f"{TAGS}?last=v1": error(404, "NAME_UNKNOWN"),
    }

    with pytest.raises(EvidenceError):
        reader(server).listing(WEB)


def test_a_full_page_without_a_link_is_asked_what_follows() -> None:
    first = [f"v{number}" for number in range(1000)]
    served: dict[str, Answer] = {f"{API}/manifests/{tag}": known(ONE) for tag in [*first, "last"]}
    served[f"{TAGS}?n=1000"] = names(*first)
    served[f"{TAGS}?n=1000&last=v999"] = names("last")

    listing = reader(Site(served)).listing(WEB)

    (version,) = listing.versions
    assert len(version.tags) == 1001


def test_a_registry_that_ignores_the_page_size_is_done_after_its_answer() -> None:
    tags = [f"v{number}" for number in range(1000)]
    served: dict[str, Answer] = {f"{API}/manifests/{tag}": known(ONE) for tag in tags}

    listing = reader(Site(served | {TAGS: names(*tags)})).listing(WEB)

    assert len(listing.versions[0].tags) == 1000


def test_a_page_size_that_is_too_large_is_left_to_the_registry() -> None:
    server = site({"v1": ONE})
    server.pages[f"{TAGS}?n=1000"] = error(400, "PAGINATION_NUMBER_INVALID")

    listing = reader(server).listing(WEB)

    assert len(listing.versions) == 1


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_digest_that_is_not_told_is_computed(method: str) -> None:
    server = site({"v1": ONE})
    server.pages[f"{API}/manifests/v1"] = known(ONE, header=False)
    if method == "GET":  # some registries do not know HEAD
        server.pages[f"HEAD {API}/manifests/v1"] = httpx.Response(404)

    listing = reader(server).listing(WEB)

    assert [version.digest for version in listing.versions] == digests(ONE)


@pytest.mark.parametrize("told", ["sha256:00", "", "md5:0123"])
def test_a_digest_that_is_none_is_an_error(told: str) -> None:
    server = site({"v1": ONE})
    server.pages[f"{API}/manifests/v1"] = httpx.Response(
        200, headers={"docker-content-digest": told}
    )

    with pytest.raises(ProtocolError, match="is not a digest"):
        reader(server).listing(WEB)


def test_every_document_kind_is_accepted_in_every_look() -> None:
    server = site({"v1": ONE})

    reader(server).listing(WEB)

    accepted = server.requests[-1].headers["accept"]
    assert "application/vnd.oci.image.index.v1+json" in accepted
    assert "application/vnd.docker.distribution.manifest.list.v2+json" in accepted


def test_a_tag_that_vanishes_meanwhile_is_looked_for_in_a_new_list() -> None:
    server = site({"v1": ONE, "v2": TWO})
    server.pages[TAGS] = Answers([names("v1", "gone"), names("v1", "v2")])
    server.pages[f"{API}/manifests/gone"] = ABSENT

    listing = reader(server).listing(WEB)

    assert {tag for version in listing.versions for tag in version.tags} == {"v1", "v2"}


def test_tags_that_are_listed_and_absent_again_are_named_and_let_nothing_go() -> None:
    server = site({"v1": ONE})
    server.pages[TAGS] = names("v1", "broken", "lost")
    server.pages |= {f"{API}/manifests/{tag}": ABSENT for tag in ("broken", "lost")}

    listing = reader(server).listing(WEB)

    assert [version.tags for version in listing.versions] == [("v1",)]
    assert listing.broken == ("broken", "lost")
    with pytest.raises(EvidenceError, match="has no manifest for them: broken, lost"):
        observe(reader(server), WEB)


def test_a_bare_404_for_a_tag_is_no_absence() -> None:
    server = site({"v1": ONE})
    server.pages |= {TAGS: names("v1", "v2")}

    with pytest.raises(ProtocolError, match=f"GET https://registry.example{API}/manifests/v2"):
        reader(server).listing(WEB)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_says_which_call_with_which_credential_and_what_to_do(status: int) -> None:
    server = Site({TAGS: error(status, "DENIED", "requested access is \x1b[31mdenied")})

    with pytest.raises(AccessError) as anonymous:
        reader(server).listing(WEB)
    with pytest.raises(AccessError) as known_user:
        reader(server, credentials=lambda _: CREDENTIAL).listing(WEB)

    said = (
        f"the registry denies `pull`: GET https://registry.example{TAGS}"
        f" answered {status}: DENIED: requested access is \\x1b[31mdenied; the request used "
    )
    assert str(anonymous.value) == f"{said}no credentials"
    assert "docker login registry.example" in anonymous.value.hint
    assert str(known_user.value) == f"{said}{CREDENTIAL.source}"
    assert "the right `pull`" in known_user.value.hint
    assert "s3cret" not in str(known_user.value) + known_user.value.hint


def test_the_login_that_a_refusal_suggests_has_the_port() -> None:
    response = httpx.Response(401, request=httpx.Request("GET", "http://127.0.0.1:5000/v2/"))

    error = failure(response, Action.PULL, ANONYMOUS)

    assert "`docker login 127.0.0.1:5000`" in error.hint


def test_what_is_newer_is_found_by_reading_all_again() -> None:
    server = site({"v1": ONE})
    oci = reader(server)
    oci.listing(WEB)
    server.pages |= {TAGS: names("v1", "v2"), f"{API}/manifests/v2": known(THREE)}

    newest = oci.newest(WEB, "")

    assert [version.digest for version in newest.versions] == sorted(digests(ONE, THREE))
