"""A document read in pieces is what `json` reads as a whole, and what is ambiguous is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.base import canonical
from reconciler.model.json_pieces import JsonReader, joined, pieces

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def chunked(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def read(content: bytes, size: int = 4) -> tuple[dict[str, Any], bytes]:
    """Read an object whose member `rows` is a list; return it, and what was written."""
    written: list[bytes] = []
    reader = JsonReader(chunked(content, size), written.append)
    document: dict[str, Any] = {}
    for key in reader.members(unwritten="digest"):
        if key == "rows":
            document[key] = [reader.value() for _ in reader.elements()]
        else:
            document[key] = reader.value()
    reader.end()
    return document, b"".join(written)


@given(
    st.dictionaries(st.text(), _VALUES, max_size=5),
    st.lists(_VALUES, max_size=5),
    st.integers(4, 40),
    st.sampled_from([None, 0, 2]),
)
def test_it_reads_what_json_reads(
    facts: dict[str, Any], rows: list[Any], size: int, indent: int | None
) -> None:
    document = facts | {"rows": rows}
    content = json.dumps(document, sort_keys=True, indent=indent).encode()

    found, written = read(content, size)

    assert found == document
    assert written == canonical({k: v for k, v in document.items() if k != "digest"})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_file_that_a_shell_saved_in_another_encoding_is_read(encoding: str) -> None:
    assert read('{"a": "\u00e9"}'.encode(encoding))[0] == {"a": "\u00e9"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"a":1,"a":2}', "'a' is not a key that may follow 'a'"),
        (b'{"digest":1,"digest":2}', "'digest' is not a key that may follow"),
        (b'{"b":1,"a":2}', "'a' is not a key that may follow 'b'"),
        (b'{"a":{"k":1,"k":2}}', "is there twice"),
        (b'{"a":1}{"a":1}', "something follows the document: character 7"),
        (b'{"a":1} x', "something follows"),
        (b'{"a":[1,2', "delimiter"),
        (b'{"rows":[1,2', "the end"),
        (b'{"rows":[1,]}', "Expecting value"),
        (b'{"a":1,}', "Expecting value|not a key"),
        (b'{"a" 1}', "where one of ':' is expected: character 5"),
        (b"{1:1}", "1 is not a key"),
        (b'{"a":NaN}', "NaN is not a number"),
        (b'{"a":-Infinity}', "-Infinity is not a number"),
        (b'{"a":1e999}', "1e999 is too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "digits"),
        (b'{"a":"\xff"}', "decode"),
    ],
)
def test_what_is_cut_or_can_be_read_in_two_ways_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(content)


def test_a_value_larger_than_any_is_refused_before_it_is_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reconciler.model.json_pieces.MAX_VALUE", 100)

    with pytest.raises(ValueError, match="a value has more than 100 characters: character 5"):
        read(b'{"a":[' + b"1," * 1000 + b"1]}", 64)


@given(st.dictionaries(st.text(), _VALUES, max_size=5), st.lists(_VALUES, max_size=5))
def test_pieces_are_the_canonical_bytes(facts: dict[str, Any], rows: list[Any]) -> None:
    written = pieces({**facts, "rows": joined([canonical(row)] for row in rows)})

    assert b"".join(written) == canonical({**facts, "rows": rows})


def test_an_object_without_members_has_its_form() -> None:
    assert b"".join(pieces({})) == b"{}"
    assert read(b" { } ") == ({}, b"{}")
