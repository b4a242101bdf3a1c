"""The commands of a script, as far as they can be told without running it."""

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import dropwhile, pairwise

from reconciler.workflows.expressions import masked, restored

MAX_COMMANDS = 500
"""Most commands that are looked at in one script."""

MAX_LINE = 8_000
"""Longest command looked at, in characters."""

_ENDS = frozenset({"&&", "||", ";", "|", "&"})
_BEFORE = frozenset({"sudo", "time", "exec", "if", "then", "else", "do", "!"})
_ASSIGNMENT = re.compile(r"\w{1,100}=")

Command = Sequence[str]
"""A program and its arguments, quotes taken away, expressions left as they stand."""


def commands(script: str) -> Iterator[Command]:
    """Yield the commands of a script; a line that no shell would read is passed over."""
    lines = script.replace("\\\r\n", " ").replace("\\\n", " ").splitlines()
    found = 0
    for line in lines:
        for command in _of(line[:MAX_LINE]):
            found += 1
            if found > MAX_COMMANDS:
                return
            yield command


def _of(line: str) -> Iterator[Command]:
    """Part one line into commands. Expressions may hold quotes, so a mark stands for each."""
    text, expressions = masked(line)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return
    command: list[str] = []
    for word in words:
        if word in _ENDS:
            yield command
            command = []
        else:
            command.append(restored(word, expressions))
    yield command


def options(command: Command, *names: str) -> list[str]:
    """Return every value that an option has in a command: `--name value` and `--name=value`."""
    joined = (word.partition("=") for word in command if "=" in word)
    apart = pairwise(command)
    return [
        *(value for name, _, value in joined if name in names),
        *(value for name, value in apart if name in names),
    ]


def switched_on(command: Command, name: str) -> bool:
    """Whether a switch is given and not set to false."""
    return name in command or f"{name}=true" in command


def begins(command: Command, *words: str) -> bool:
    """Whether a command is this program with these words, run as such or through another one."""
    rest = list(dropwhile(lambda word: word in _BEFORE or _ASSIGNMENT.match(word), command))
    return tuple(rest[: len(words)]) == words
