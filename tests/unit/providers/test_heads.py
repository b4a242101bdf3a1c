"""A registry's own words: read strictly, shown harmlessly."""

import httpx
import pytest

from reconciler.providers.heads import codes_of, is_absent, message_of


@pytest.mark.parametrize(
    ("body", "codes", "words"),
    [
        (b'{"errors": [{"code": "DENIED", "message": "no"}]}', {"DENIED"}, "DENIED: no"),
        (b'{"errors": [{"code": "A"}, {"code": "B", "message": 7}]}', {"A", "B"}, "A; B"),
        (b'{"errors": []}', set(), '{"errors": []}'),
        (b'{"errors": [null, 7, {"code": 8}, {"message": "x"}]}', set(), None),
        (b'{"errors": {"code": "DENIED"}}', set(), None),
        (b"<html>Bad gateway</html>", set(), "<html>Bad gateway</html>"),
        (b"[" * 100_000, set(), "[" * 300),
        (b"", set(), ""),
        (b"\x1b]0;title\x07", set(), r"\x1b]0;title\x07"),
    ],
)
def test_errors_are_read_where_there_are_any(
    body: bytes, codes: set[str], words: str | None
) -> None:
    response = httpx.Response(403, content=body)

    assert codes_of(response) == codes
    assert message_of(response) == (body.decode() if words is None else words)


@pytest.mark.parametrize("code", ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND"])
def test_an_absence_is_a_404_in_the_registrys_own_format(code: str) -> None:
    body = {"errors": [{"code": code}]}

    assert is_absent(httpx.Response(404, json=body))
    assert not is_absent(httpx.Response(200, json=body))
    assert not is_absent(httpx.Response(502, json=body))
    assert not is_absent(httpx.Response(404, text=code))
