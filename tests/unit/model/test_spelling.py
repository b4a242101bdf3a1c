"""What is almost the name of a repository, and what it may mean."""

import pytest

from reconciler.errors import InvalidNameError
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.spelling import misspelling

PAGE = "is the address of a page, and not of a repository"
CAPITALS = "has capital letters, which no registry accepts in a path"
IMAGE = "names one image, and not a repository"
NO_HOST = "has no host of a registry"
SCHEME = "is a URL, and a repository has no scheme"


@pytest.mark.parametrize(
    ("text", "reason", "meant"),
    [
        ("acme/web", NO_HOST, ["ghcr.io/acme/web", "docker.io/acme/web"]),
        ("Acme/Web", NO_HOST, ["ghcr.io/acme/web", "docker.io/acme/web"]),
        ("acme/web:1.4", NO_HOST, ["ghcr.io/acme/web", "docker.io/acme/web"]),
        ("acme/*", NO_HOST, ["ghcr.io/acme/*", "docker.io/acme/*"]),
        ("acme/web/api", NO_HOST, ["ghcr.io/acme/web/api"]),
        ("nginx", NO_HOST, ["docker.io/library/nginx"]),
        ("https://github.com/acme/web/pkgs/container/api", PAGE, ["ghcr.io/acme/api"]),
        ("https://github.com/acme/web/pkgs/container/web%2Fapi", PAGE, ["ghcr.io/acme/web/api"]),
        (
            "https://github.com/orgs/acme/packages/container/package/web%2Fapi",
            PAGE,
            ["ghcr.io/acme/web/api"],
        ),
        (
            "https://github.com/users/Acme/packages/container/web/1234?tag=latest",
            PAGE,
            ["ghcr.io/acme/web"],
        ),
        ("https://github.com/acme/web", PAGE, ["ghcr.io/acme/web"]),
        ("github.com/acme/web.git", PAGE, ["ghcr.io/acme/web"]),
        ("docker.pkg.github.com/acme/site/web", PAGE, ["ghcr.io/acme/web"]),
        ("https://hub.docker.com/r/acme/web/tags", PAGE, ["docker.io/acme/web"]),
        ("https://hub.docker.com/_/nginx", PAGE, ["docker.io/library/nginx"]),
        ("https://ghcr.io/acme/web/", SCHEME, ["ghcr.io/acme/web"]),
        ("docker://ghcr.io/acme/web:latest", SCHEME, ["ghcr.io/acme/web"]),
        ("ghcr.io/Acme/Web", CAPITALS, ["ghcr.io/acme/web"]),
        ("ghcr.io/acme/web:latest", IMAGE, ["ghcr.io/acme/web"]),
        ("ghcr.io/acme/web@sha256:0123456789ab", IMAGE, ["ghcr.io/acme/web"]),
        ("localhost:5000/web:latest", IMAGE, ["localhost:5000/web"]),
    ],
)
def test_a_misspelt_name_is_explained(text: str, reason: str, meant: list[str]) -> None:
    found = misspelling(text)

    assert found
    assert (found.reason, list(found.candidates)) == (reason, meant)
    assert all(RepositoryGlob(candidate) for candidate in meant)
    question = f"{text!r} {reason}. Did you mean {', or '.join(meant)}?"
    assert str(RepositoryGlob.misspelt(text)) == question


@pytest.mark.parametrize(
    "text", ["ghcr.io/acme/web", "ghcr.io/acme/*", "localhost/web", "[::1]:5000/web", "r:5000/w"]
)
def test_a_correct_name_is_not(text: str) -> None:
    assert misspelling(text) is None


@pytest.mark.parametrize(
    "text", ["", "/", "ghcr.io", "localhost:5000", "?", "ä/ö", "a b", ":", "@"]
)
def test_nothing_is_suggested_that_is_no_name(text: str) -> None:
    assert RepositoryGlob.misspelt(text) is None


def test_a_word_is_a_host_if_it_has_settings() -> None:
    assert misspelling("registry/web") is not None
    assert misspelling("registry/web", {"registry"}) is None


def test_the_error_of_a_pattern_has_the_suggestion() -> None:
    with pytest.raises(InvalidNameError, match=r"Did you mean ghcr\.io/acme/web\?"):
        RepositoryGlob("https://github.com/acme/web/pkgs/container/web")
