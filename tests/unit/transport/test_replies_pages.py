"""Listings in pages: links are followed to their end, on one server."""

import httpx
import pytest

from reconciler.errors import ExhaustedError, ProtocolError
from reconciler.transport.replies import page_link, pages
from tests.support.scripted_server import REGISTRY, Answers, Site, client_of


def page(text: str, link: str = "") -> httpx.Response:
    """Answer with a page and its links."""
    return httpx.Response(200, text=text, headers={"link": link} if link else {})


def read(link: str) -> httpx.Response:
    """Read a page that has links."""
    return client_of(Answers([page("", link)])).get("/v2/a/tags/list?n=2")


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ('</v2/a/tags/list?n=2&last=b>; rel="next"', f"{REGISTRY}/v2/a/tags/list?n=2&last=b"),
        ("</v2/a/tags/list?last=b>;rel=next", f"{REGISTRY}/v2/a/tags/list?last=b"),
        (
            f'<{REGISTRY}/x?page=2>; rel="next", <{REGISTRY}/x?page=9>; rel="last"',
            f"{REGISTRY}/x?page=2",
        ),
        ("<?last=b%2Cc>; rel=next", f"{REGISTRY}/v2/a/tags/list?last=b%2Cc"),
        ('<https://registry.example:443/x>; rel="next"', "https://registry.example/x"),
    ],
)
def test_a_link_is_resolved_against_the_page_it_stands_on(link: str, url: str) -> None:
    assert page_link(read(link), "next") == url


@pytest.mark.parametrize(
    "link", ["", "nonsense", "<>", ";;;", '<https://evil.example/x>; rel="up"']
)
def test_a_page_without_that_link_has_none(link: str) -> None:
    assert page_link(read(link), "next") is None


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/v2/a/tags/list",
        "//evil.example/v2/a/tags/list",
        "http://registry.example/v2/a/tags/list",
        "https://registry.example:8443/v2/",
        "https://registry.example@evil.example/v2/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://[::bad",
    ],
)
def test_a_link_to_another_server_is_refused(target: str) -> None:
    response = read(f'<{target}>; rel="next"')

    with pytest.raises(ProtocolError, match="GET https://registry.example/v2/a/tags/list"):
        page_link(response, "next")


def test_all_pages_are_read_in_order() -> None:
    site = Site(
        {
            "/list": page("one", '</list?last=1>; rel="next"'),
            "/list?last=1": page("two", '</list?last=2>; rel="next"'),
            "/list?last=2": page("three"),
        }
    )

    texts = [response.text for response in pages(client_of(site).get, "/list")]

    assert texts == ["one", "two", "three"]


def test_links_in_a_circle_are_an_error() -> None:
    site = Site(
        {
            "/list": page("one", f'<{REGISTRY}/list?last=1>; rel="next"'),
            "/list?last=1": page("two", f'<{REGISTRY}/list?last=1>; rel="next"'),
        }
    )

    with pytest.raises(ProtocolError, match="link in a cycle"):
        list(pages(client_of(site).get, f"{REGISTRY}/list"))

    assert len(site.requests) == 2


def test_links_without_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.transport.replies.MAX_PAGES", 5)
    server = Answers(
        [lambda request: page("", f'<{request.url.copy_add_param("x", "1")}>; rel="next"')]
    )

    with pytest.raises(ExhaustedError, match="more than 5 pages"):
        list(pages(client_of(server).get, "/list"))

    assert len(server.requests) == 5
