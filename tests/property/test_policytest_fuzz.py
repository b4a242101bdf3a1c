"""Whatever the test of a policy says: it runs, or is refused in words of ours."""

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.policy_tests import run_policy_test
from reconciler.errors import PolicyError
from reconciler.model.language import PolicyProblems
from reconciler.policyfile import load_text, read_test
from tests.support.example_counts import THIRD

POLICIES = Path(__file__).parents[2] / "policies"
WEB = load_text("web.yaml", (POLICIES / "example.yaml").read_bytes())
EXAMPLE = (POLICIES / "example.test.yaml").read_bytes()
MOMENT = "2026-03-02T12:00:00Z"
WORDS = (
    *("1.10", "yes", "~", "2026-01-31", "2026-13-01T00:00:00Z", "99999w", "0h", "9m", "*a", "&a"),
    *("{", "}", "[", "]", "- ", ": ", '"', "#", "\n", "\x00", "expect", "by: web", "\u202e"),
)
KEYS = ("policy", "now", "images", "guards", "tags", "age", "pushed", "children", "subject", "x")
VALUES = st.recursive(
    st.none()
    | st.integers(-3, 3)
    | st.sampled_from(["", "a", "7d", "99999w", "keep", "latest", MOMENT, "1970-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=6,
)


def told(content: bytes) -> tuple[str, ...]:
    """Read a test, run it, and return what it is refused with; all but our own errors pass."""
    try:
        written = read_test("fuzz.test.yaml", content, WEB)
        assert len(run_policy_test(written.policy, written.test)) == len(written.lines)
    except PolicyProblems as error:
        return tuple(map(str, error.problems))
    except PolicyError as error:
        return (str(error), error.hint)
    return ()


def hold(content: bytes) -> None:
    """Expect sentences that can be printed, and none of a library's."""
    sentences = told(content)

    assert all(sentence.isprintable() for sentence in sentences)
    assert not any("Input should" in sentence for sentence in sentences)


@THIRD
@given(
    st.integers(0, len(EXAMPLE)),
    st.integers(0, 30),
    st.one_of(st.sampled_from(WORDS), st.text(max_size=8)),
)
def test_a_good_test_with_a_wound_runs_or_is_refused(at: int, cut: int, put: str) -> None:
    wound = put.encode("utf-8", "surrogatepass")

    hold(EXAMPLE[:at] + wound + EXAMPLE[at + cut :])


@THIRD
@given(st.data())
def test_a_good_test_with_another_value_somewhere_runs_or_is_refused(data: st.DataObject) -> None:
    document: Any = yaml.safe_load(EXAMPLE) | {"now": MOMENT}
    container, key = document, "images"
    while isinstance(container[key], dict | list) and data.draw(st.booleans()):
        container = container[key]
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        key = data.draw(st.sampled_from([*keys, *KEYS] if isinstance(container, dict) else keys))
        container.setdefault(key, None) if isinstance(container, dict) else None

    container[key] = data.draw(VALUES)

    hold(json.dumps(document).encode())
