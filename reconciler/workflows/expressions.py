"""Evaluate expressions like `${{ env.IMAGE }}` and split scripts into commands; run nothing."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import dropwhile, pairwise

from reconciler.model.base import canonical_host
from reconciler.model.names import Repository
from reconciler.workflows.workflow import Step

EXPRESSION = re.compile(r"\$\{\{((?:(?!\$\{\{).){0,500}?)\}\}", re.DOTALL)
"""One expression; a longer one is read as plain text. The pattern matches in linear time."""

# A character that scripts do not contain, and that shlex keeps as a part of its word.
_MARK = "\N{OBJECT REPLACEMENT CHARACTER}"
_VARIABLE = re.compile(r"\$(?:\{(\w{1,100})\}|(\w{1,100}))")
_RUN_SPECIFIC = re.compile(
    r"github\.(?:sha|run_id|run_number|event\.head_commit)|github\.event\.pull_request\.head\.sha"
)
_RUN_VARIABLE = re.compile(r"\$\{?GITHUB_(?:SHA|RUN_ID|RUN_NUMBER)\b")
_OUTPUT = re.compile(r"steps\.([\w-]{1,100})\.outputs\.\w{1,100}")
_ROUNDS = 5
"""How many levels of variables in variables are expanded."""

LONGEST = 64 * 1024
"""Longest text that is evaluated, in characters; longer ones are cut."""

_LONGEST_NAME = 1_000
"""Longest image name that is compared with a repository, in characters."""

MAX_COMMANDS = 500
"""Most commands that are read in one script."""

MAX_LINE = 8_000
"""Longest line of a script that is read, in characters."""

_ENDS = frozenset({"&&", "||", ";", "|", "&"})
# Words before a program that do not change what it pushes.
_BEFORE = frozenset({"sudo", "time", "exec", "if", "then", "else", "do", "!"})
_ASSIGNMENT = re.compile(r"\w{1,100}=")

Command = Sequence[str]
"""A program and its arguments, without quotes, with expressions unchanged."""


def expanded(text: str, step: Step) -> str:
    """Expand `env` from the file; expressions that only GitHub can evaluate are unchanged."""

    def known(expression: re.Match[str]) -> str:
        kind, _, name = expression[1].strip().partition(".")
        return step.environment.get(name, expression[0]) if kind == "env" else expression[0]

    # A variable may contain another one; the bounds stop those that contain themselves.
    for _ in range(_ROUNDS):
        text = EXPRESSION.sub(known, text)[:LONGEST]
    return text


def shell_expanded(text: str, step: Step) -> str:
    """Expand expressions, and the environment variables of a script."""

    def known(variable: re.Match[str]) -> str:
        return step.environment.get(variable[1] or variable[2], variable[0])

    return expanded(_VARIABLE.sub(known, expanded(text, step))[:LONGEST], step)


def masked(text: str) -> tuple[str, Iterator[str]]:
    """Replace each expression by a mark, so that the text can be split safely.

    Shape: the second part has the expressions in order, for `restored`.
    """
    return EXPRESSION.sub(_MARK, text), (match[0] for match in EXPRESSION.finditer(text))


def restored(text: str, expressions: Iterator[str]) -> str:
    """Replace the marks of a text by the next expressions."""
    return re.sub(_MARK, lambda _: next(expressions, ""), text)


def is_run_specific(text: str) -> bool:
    """Whether a text differs between runs or commits."""
    expressions = EXPRESSION.findall(text)
    return any(map(_RUN_SPECIFIC.search, expressions)) or bool(_RUN_VARIABLE.search(text))


def is_literal(text: str) -> bool:
    """Whether a text has no expression or variable left."""
    return "$" not in text


def step_of(text: str) -> str:
    """Return the id of the step if the text is an output of it, else an empty text."""
    expression = EXPRESSION.fullmatch(text.strip())
    output = _OUTPUT.fullmatch(expression[1].strip()) if expression else None
    return output[1] if output else ""


def may_name(text: str, repository: Repository) -> bool:
    """Whether an image name can be this repository; an unknown part matches any text."""
    spelled = _VARIABLE.sub("*", EXPRESSION.sub("*", text.lower()))
    host, slash, path = spelled[:_LONGEST_NAME].rpartition("/")
    name = f"{host}{slash}{path.partition('@')[0].partition(':')[0]}"
    # A host that cannot be parsed is compared as it is written.
    with suppress(ValueError):
        registry, slash, path = name.partition("/")
        name = f"{canonical_host(registry)}{slash}{path}"
    # Only the asterisks of unknown parts are patterns; several in a row mean the same as one.
    pattern = re.sub(r"\*+", "*", name.replace("[", "[[]").replace("?", "[?]"))
    return fnmatchcase(repository, pattern)


def commands(script: str) -> Iterator[Command]:
    """Yield the commands of a script; lines with shell syntax errors are skipped."""
    lines = script.replace("\\\r\n", " ").replace("\\\n", " ").splitlines()
    count = 0
    for line in lines:
        for command in _commands_in(line[:MAX_LINE]):
            count += 1
            if count > MAX_COMMANDS:
                return
            yield command


def _commands_in(line: str) -> Iterator[Command]:
    """Split one line into commands. Expressions may contain quotes, so they are masked first."""
    text, expressions = masked(line)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    # An open quote: the text ends in another line.
    except ValueError:
        return
    command: list[str] = []
    for token in tokens:
        if token in _ENDS:
            yield command
            command = []
        else:
            command.append(restored(token, expressions))
    yield command


def options(command: Command, *names: str) -> list[str]:
    """Return every value that an option has in a command: `--name value` and `--name=value`."""
    joined = (word.partition("=") for word in command if "=" in word)
    apart = pairwise(command)  # an option and the word after it
    return [
        *(value for name, _, value in joined if name in names),
        *(value for name, value in apart if name in names),
    ]


def switched_on(command: Command, name: str) -> bool:
    """Whether a command has this switch, and not set to false."""
    return name in command or f"{name}=true" in command


def starts_with(command: Command, *program: str) -> bool:
    """Whether a command starts with these words, after `sudo`, assignments and the like."""
    rest = list(dropwhile(lambda word: word in _BEFORE or _ASSIGNMENT.match(word), command))
    return tuple(rest[: len(program)]) == program
