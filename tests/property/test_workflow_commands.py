"""No line that reaches a runner of GitHub Actions is a command that we did not mean.

The oracle reads lines as the runner does, and as it would if it passed over every letter that a
comparison of texts may pass over.
"""

import io
import re
from collections.abc import Iterable

import structlog
from hypothesis import given
from hypothesis import strategies as st

from reconciler import logs
from reconciler.action.runner import Console, InertStream
from reconciler.formats.problems import as_github
from reconciler.formats.terminal import line, printed, wrapped
from reconciler.formats.view import View
from reconciler.model.base import inert
from reconciler.model.language import Problem
from tests.support.states import NOON

PIECES = (":", "::", "#", "##", "[", "##[", "]", " ", "\n", "\r", "\t", "error", "::add-mask::x")
ODD = ("\xa0", "\u200d", "\xad", "\ufe0f", "\ufeff", "\u3000", "\x00", "\x1b[2J", "%0A", "é")
texts = st.lists(st.sampled_from(PIECES + ODD), max_size=12).map("".join)


def is_command(text: str) -> bool:
    """Tell whether a runner takes a line for a command, at its most credulous."""
    plain = re.sub(r"[^\x20-\x7e]", "", text)
    return any(
        candidate.lstrip().startswith("::") or "##[" in candidate for candidate in (text, plain)
    )


def commands(text: str) -> Iterable[str]:
    """Return the lines that a runner takes for commands."""
    return [found for found in re.split(r"\r\n|\r|\n", text) if is_command(found)]


@given(texts)
def test_a_text_that_was_made_inert_holds_no_command_and_stays_so(text: str) -> None:
    once = inert(text)

    assert not commands(once)
    assert inert(once) == once
    # Nothing but spaces was added.
    assert once.replace(" ", "") == text.replace(" ", "")


@given(st.lists(texts))
def test_a_stream_writes_no_command_however_a_text_is_cut(parts: list[str]) -> None:
    target = io.StringIO()
    stream = InertStream(target)

    for part in parts:
        stream.write(part)
    stream.finish()

    assert not commands(target.getvalue())
    assert target.getvalue().replace(" ", "").rstrip("\n") == (
        "".join(parts).replace(" ", "").rstrip("\n")
    )


@given(texts, texts, st.integers(1, 60))
def test_no_width_lets_a_wrapped_text_begin_a_line_with_a_command(
    text: str, other: str, width: int
) -> None:
    view = View(now=NOON, width=width)

    assert not commands(printed([*wrapped(text, view, lead="  "), line(text, other)], view))


@given(texts, texts)
def test_a_log_line_is_no_command_whatever_its_facts(text: str, other: str) -> None:
    target = io.StringIO()
    logs.configure(target, verbose=True)

    structlog.get_logger().warning("found", name=text, inner={"other": other, "list": [text]})

    assert not commands(target.getvalue())
    structlog.reset_defaults()


@given(texts, texts)
def test_an_annotation_is_the_one_command_that_was_meant(text: str, where: str) -> None:
    written = as_github([Problem(where, 1, 1, where, text)], level="warning")

    (only,) = written.removesuffix("\n").split("\n")
    assert only.startswith("::warning ")
    assert "##[" not in re.sub(r"[^\x20-\x7e]", "", only)
    assert only.count("::") >= 2


@given(st.lists(texts, min_size=1))
def test_commands_are_stopped_but_while_one_of_ours_is_written(parts: list[str]) -> None:
    target = io.StringIO()
    console = Console(target)
    stream = InertStream(target)
    for part in parts:
        stream.write(f"{part}\n")
        console.command("::notice ::ours\n")

    obeyed, stopped = [], ""
    for text in target.getvalue().split("\n"):
        if stopped:
            stopped = "" if text == f"::{stopped}::" else stopped
        elif text.startswith("::stop-commands::"):
            stopped = text.removeprefix("::stop-commands::")
        elif is_command(text):
            obeyed.append(text)
    assert obeyed == ["::notice ::ours"] * len(parts)
    assert stopped
