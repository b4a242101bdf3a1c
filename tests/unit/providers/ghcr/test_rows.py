"""GitHub's JSON is read strictly: what is not there is not guessed."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from reconciler.errors import ProtocolError
from reconciler.providers.ghcr.rows import package_of, versions_of

DIGEST = "sha256:" + "a" * 64
ROW: dict[str, Any] = {
    "id": 1356372450,
    "name": DIGEST,
    "created_at": "2026-01-02T03:04:05Z",
    "updated_at": "2026-09-09T09:09:09Z",
    "metadata": {"package_type": "container", "container": {"tags": ["v2", "latest", "v2"]}},
}


def answer(content: Any) -> httpx.Response:
    """Write an answer of the API."""
    request = httpx.Request("GET", "https://api.github.example/versions")
    return httpx.Response(200, json=content, request=request)


def test_a_row_gives_id_digest_sorted_tags_and_the_time_of_the_first_push() -> None:
    (version,) = versions_of(answer([ROW]))

    assert version.id == "1356372450"
    assert version.digest == DIGEST
    assert version.tags == ("latest", "v2")
    assert version.pushed == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert version.created is None


@pytest.mark.parametrize(
    "damage",
    [
        {"id": None},
        {"id": "x"},
        {"created_at": "2026-01-02T03:04:05"},
        {"created_at": None},
        {"metadata": None},
        {"metadata": {"package_type": "container"}},
        {"metadata": {"container": {}}},
        {"metadata": {"container": {"tags": "latest"}}},
        {"metadata": {"container": {"tags": ["no tag!"]}}},
        {"metadata": {"container": {"tags": [1]}}},
    ],
)
def test_a_row_that_lacks_what_decides_is_an_error(damage: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match=r"GET https://api.github.example/versions"):
        versions_of(answer([{**ROW, **damage}]))


@pytest.mark.parametrize("content", [{"message": "hello"}, [1], "text", None])
def test_an_answer_that_is_no_list_of_objects_is_an_error(content: Any) -> None:
    with pytest.raises(ProtocolError):
        versions_of(answer(content))


def test_an_answer_that_is_no_json_is_an_error() -> None:
    request = httpx.Request("GET", "https://api.github.example/versions")

    with pytest.raises(ProtocolError):
        versions_of(httpx.Response(200, text="<html>", request=request))


@pytest.mark.parametrize(
    "content", [{}, {"name": "web"}, {"name": "web", "version_count": None}, []]
)
def test_a_package_without_a_count_is_an_error(content: Any) -> None:
    with pytest.raises(ProtocolError):
        package_of(answer(content))
