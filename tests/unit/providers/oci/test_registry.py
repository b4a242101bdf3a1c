"""Which repositories a plain registry has: those named, or those of its catalogue."""

import pytest

from reconciler.errors import AccessError, ProtocolError
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from tests.support.oci import CREDENTIAL, WEB, error, names, reader
from tests.support.scripted_server import Site


def test_a_pattern_without_wildcard_needs_no_request() -> None:
    server = Site({})

    found = reader(server).repositories(RepositoryGlob("registry.example/acme/web"))

    assert found == [WEB]
    assert server.requests == []


def test_repositories_are_those_of_the_catalogue_that_match() -> None:
    server = Site(
        {
            "/v2/_catalog?n=1000": names(
                "acme/web",
                "acme/Odd Name",
                "acme/deep/api",
                member="repositories",
                link='</v2/_catalog?last=x>; rel="next"',
            ),
            "/v2/_catalog?last=x": names("acme/api", "other/web", member="repositories"),
        }
    )

    found = reader(server).repositories(RepositoryGlob("registry.example/acme/*"))

    assert found == [Repository("registry.example/acme/api"), WEB]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AccessError), (403, AccessError), (404, ProtocolError), (405, ProtocolError)],
)
def test_a_registry_without_catalogue_says_so_and_what_to_write(
    status: int, kind: type[Exception]
) -> None:
    server = Site({"/v2/_catalog": error(status, "DENIED", "not for you")})
    oci = reader(server, credentials=lambda _: CREDENTIAL)

    with pytest.raises(kind, match="registry.example does not list its repositories") as raised:
        oci.repositories(RepositoryGlob("registry.example/acme/*"))

    assert f"the request used {CREDENTIAL.source}" in str(raised.value)
    assert "one by one" in getattr(raised.value, "hint", "")


def test_a_catalogue_is_read_once_however_many_patterns_ask_for_it() -> None:
    server = Site({"/v2/_catalog": names("acme/web", member="repositories")})
    oci = reader(server)

    found = [oci.repositories(RepositoryGlob(f"registry.example/acme/w{'*' * n}")) for n in (1, 2)]

    assert found == [[WEB], [WEB]]
    assert len(server.requests) == 1


def test_a_catalogue_that_is_refused_is_not_asked_for_again() -> None:
    server = Site({"/v2/_catalog": error(403, "DENIED", "not for you")})
    oci = reader(server)

    for _ in range(60):
        with pytest.raises(AccessError, match="does not list its repositories"):
            oci.repositories(RepositoryGlob("registry.example/acme/*"))

    assert len(server.requests) == 1
