"""Whatever a policy file says: it is read, or refused with problems that have their place."""

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.model.language import PolicyProblems
from reconciler.policyfile import load_text
from tests.support.example_counts import THIRD

EXAMPLE = (Path(__file__).parents[2] / "policies" / "example.yaml").read_bytes()
WORDS = (
    *("1.10", "yes", "~", "0x1f", "2024-01-01", "{", "}", "[", "]", "*a", "&a", "!!x", "- ", ": "),
    *('"', "'", "#", "\t", "\n", "\x00", "|", ">", "?", "%", "---", "name", "match", "keep: {}"),
    *(
        "<<: ",
        "9" * 400,
        "pr-(?!x)",
        "\\",
        "é",
        "\u202e",
        "\U0001f600",
    ),
)


def judged(content: bytes) -> tuple[PolicyProblems | None, int]:
    """Load a file and return its problems, with the number of its lines."""
    lines = content.count(b"\n") + content.count(b"\r") + 1
    try:
        load_text("fuzz.yaml", content)
    except PolicyProblems as error:
        return error, lines
    return None, lines


def hold(content: bytes) -> None:
    error, lines = judged(content)
    if error is None:
        return
    assert error.problems
    for problem in error.problems:
        assert problem.message
        assert 0 <= problem.line <= lines + 1
        assert str(problem).isprintable()
        assert "Input should" not in problem.message


@THIRD
@given(st.binary(max_size=300))
@example(b"\xff\xfe")
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    hold(content)


@THIRD
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    hold(text.encode("utf-8", "surrogatepass"))


@THIRD
@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_any_shuffle_of_yaml_signs_is_read_or_refused(words: list[str]) -> None:
    hold("".join(words).encode())


@THIRD
@given(
    st.integers(0, len(EXAMPLE)),
    st.integers(0, 30),
    st.one_of(st.sampled_from(WORDS), st.text(max_size=8)),
)
def test_a_good_file_with_a_wound_is_read_or_refused(at: int, cut: int, put: str) -> None:
    wound = put.encode("utf-8", "surrogatepass")

    hold(EXAMPLE[:at] + wound + EXAMPLE[at + cut :])


@THIRD
@given(st.data())
def test_a_good_file_with_its_lines_out_of_order_is_read_or_refused(data: st.DataObject) -> None:
    lines = EXAMPLE.splitlines(keepends=True)
    shuffled = data.draw(st.lists(st.sampled_from(lines), max_size=60))

    hold(b"".join(shuffled))


KEYS = ("version", "name", "match", "tags", "semver", "keep", "last", "daily", "except", "x")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "7d", "0h", "*"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=6,
)


@THIRD
@given(st.data())
def test_a_good_file_with_another_value_somewhere_is_read_or_refused(data: st.DataObject) -> None:
    document: Any = yaml.safe_load(EXAMPLE)
    container, key = document, "policies"
    while isinstance(container[key], dict | list) and data.draw(st.booleans()):
        container = container[key]
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        key = data.draw(st.sampled_from([*keys, *KEYS] if isinstance(container, dict) else keys))
        container.setdefault(key, None) if isinstance(container, dict) else None

    container[key] = data.draw(VALUES)

    hold(json.dumps(document).encode())
