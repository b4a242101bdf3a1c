"""What a text that is almost the name of a repository was probably meant to be."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import unquote

from reconciler.model.base import HUB

GITHUB = "ghcr.io"
"""Where github.com has its packages."""

_PAGES: tuple[tuple[re.Pattern[str], Callable[..., str]], ...] = (
    (
        re.compile(r"(?:www\.)?github\.com/(?:orgs|users)/([^/]+)/packages/container/(.+)"),
        lambda owner, rest: f"{GITHUB}/{owner}/{_package(rest.removeprefix('package/'))}",
    ),
    (
        re.compile(r"(?:www\.)?github\.com/([^/]+)/[^/]+/pkgs/container/(.+)"),
        lambda owner, rest: f"{GITHUB}/{owner}/{_package(rest)}",
    ),
    (
        re.compile(r"(?:www\.)?github\.com/([^/]+)/([^/]+).*"),
        lambda owner, name: f"{GITHUB}/{owner}/{name.removesuffix('.git')}",
    ),
    (
        re.compile(
            r"(?:docker|maven|npm|nuget|rubygems)\.pkg\.github\.com/([^/]+)/(?:.*/)?([^/]+)"
        ),
        lambda owner, name: f"{GITHUB}/{owner}/{name}",
    ),
    (
        re.compile(r"hub\.docker\.com/(?:r/([^/]+)|_)/([^/]+).*"),
        lambda owner, name: f"{HUB}/{owner or 'library'}/{name}",
    ),
)
"""Pages and hosts that have no images, and the repository that each is about."""

_MAX = 1024
"""Longest text that is read, in characters."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_IMAGE = re.compile(r"(@[^/]*|:[^/]*)$")
_OF_HUB = re.compile(r"[a-z0-9._*-]+(?:/[a-z0-9._*-]+)?")


@dataclass(frozen=True, slots=True)
class Misspelling:
    """Why a text is no repository, and which ones it may mean, the likeliest first."""

    reason: str
    candidates: tuple[str, ...]


def misspelling(text: str, hosts: Collection[str] = ()) -> Misspelling | None:
    """Return what is wrong with the name of a repository, or a pattern; None for no idea.

    A host without a dot and a port counts as none, as for docker, unless it is one of `hosts`.
    """
    # The reason that is found first is the one that explains most.
    bare = text[:_MAX].strip()
    scheme = _SCHEME.match(bare)
    bare = re.split(r"[?#]", bare[scheme.end() :] if scheme else bare)[0]
    for page, repository in _PAGES:
        if match := page.fullmatch(bare):
            candidate = repository(*match.groups()).rstrip("/").lower()
            return Misspelling("is the address of a page, and not of a repository", (candidate,))
    bare = bare.rstrip("/")
    image = _IMAGE.search(bare) if "/" in bare else None
    bare = bare[: image.start()] if image else bare
    host, slash, path = bare.partition("/")
    # Nothing shows which repository of a host, or which host, is meant.
    if "*" in host or (not slash and set(".:") & set(host)):
        return None
    is_host = slash and (set(".:[") & set(host) or host.lower() in {"localhost", *hosts})
    if not is_host:
        low = bare.lower()
        github = (f"{GITHUB}/{low}",) if slash else ()
        hub = (f"{HUB}/{'' if slash else 'library/'}{low}",) if _OF_HUB.fullmatch(low) else ()
        return Misspelling("has no host of a registry", (*github, *hub)) if github or hub else None
    candidate = f"{host}/{path.lower()}"
    if scheme:
        return Misspelling("is a URL, and a repository has no scheme", (candidate,))
    if image:
        return Misspelling("names one image, and not a repository", (candidate,))
    if path != path.lower():
        return Misspelling("has capital letters, which no registry accepts in a path", (candidate,))
    return None


def _package(rest: str) -> str:
    """Return the name of a package from the path of its page, where it is one segment."""
    return unquote(rest.partition("/")[0])
