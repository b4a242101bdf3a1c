"""One name for one thing: two spellings are equal where they reach one repository, and only there.

The oracle below knows servers and the ways to write each. It shares nothing with the code.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob


class Server(NamedTuple):
    """A server: the ways to write its host, and those to write its port."""

    hosts: Sequence[str]
    ports: Sequence[str]
    shortens: bool = False
    """Whether it lets a path of one part stand for one in `library/`."""


HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")
THIS = ("localhost", "127.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::FFFF:7f00:1]")
SIX = ("[2001:db8::a]", "[2001:0DB8:0:0::A]", "[2001:db8:0:0:0:0:0:a]")
TLS, PLAIN, ODD = ("", ":443", ":0443"), ("", ":80", ":0080"), (":5000", ":05000")
SERVERS = (
    Server(("ghcr.io",), TLS),
    Server(("ghcr.io",), ODD),
    Server(("ghcr.io",), (":80",)),
    Server(("ghcr.example.com",), TLS),
    Server(HUB, TLS, shortens=True),
    Server(("docker.io",), ODD),
    Server(("sub.docker.io",), TLS),
    Server(THIS, PLAIN),
    Server(THIS, ODD),
    Server(THIS, (":443",)),
    Server(SIX, TLS),
    Server(SIX, ODD),
    Server(("192.0.2.7", "[::FFFF:c000:207]"), TLS),
    Server(("localhost.example",), TLS),
)
PATHS = ("web", "library/web", "acme/web", "acme/a-b", "library/acme/web", "localhost/web")


class Spelling(NamedTuple):
    """One way to write a repository, and what is reached by it."""

    text: str
    reached: tuple[Server, str]


def any_case(text: str) -> st.SearchStrategy[str]:
    """Write letters large or small."""
    flips = st.lists(st.booleans(), min_size=len(text), max_size=len(text))
    return flips.map(
        lambda large: "".join(
            letter.upper() if is_large else letter
            for letter, is_large in zip(text, large, strict=True)
        )
    )


@st.composite
def spellings(draw: st.DrawFn, server: Server | None = None, path: str = "") -> Spelling:
    """Draw a way to write one of the repositories, or the one given."""
    server = server or draw(st.sampled_from(SERVERS))
    path = path or draw(st.sampled_from(PATHS))
    host = draw(any_case(draw(st.sampled_from(server.hosts))))
    reached = f"library/{path}" if server.shortens and "/" not in path else path
    return Spelling(f"{host}{draw(st.sampled_from(server.ports))}/{path}", (server, reached))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Spelling, Spelling]:
    """Draw two ways to write repositories, every other time of the same one."""
    one = draw(spellings())
    same = spellings(*one.reached) if draw(st.booleans()) else spellings()
    return one, draw(same)


@given(pairs())
def test_spellings_are_equal_where_they_reach_one_repository_and_only_there(
    pair: tuple[Spelling, Spelling],
) -> None:
    one, other = pair
    is_one = one.reached == other.reached

    assert (Repository(one.text) == Repository(other.text)) is is_one
    assert (RepositoryGlob(one.text) == RepositoryGlob(other.text)) is is_one
    assert RepositoryGlob(one.text).matches(Repository(other.text)) is is_one
    assert RepositoryGlob(one.text).literal == Repository(one.text)
    # A name is its own name, and models and files that hold it are read back as they were.
    assert Repository(Repository(one.text)) == Repository(one.text)


@given(pairs())
def test_a_wildcard_governs_a_repository_however_both_are_spelled(
    pair: tuple[Spelling, Spelling],
) -> None:
    one, other = pair
    host = one.text.partition("/")[0]
    everything = RepositoryGlob(f"{host}/**")

    assert everything.matches(Repository(other.text)) is (one.reached[0] == other.reached[0])
    short = RepositoryGlob(f"{host}/w*")
    depth = r"library/w[^/]*" if one.reached[0].shortens else r"w[^/]*"
    expected = one.reached[0] == other.reached[0] and re.fullmatch(depth, other.reached[1])
    assert short.matches(Repository(other.text)) is bool(expected)
