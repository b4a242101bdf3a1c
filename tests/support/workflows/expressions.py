"""The few expressions that our workflows and the action use, evaluated as GitHub does.

Source: GitHub Docs, "Evaluate expressions in workflows and actions".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TOKENS = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|[!(),]|-?\d+|[A-Za-z_][\w-]*(?:\.[\w-]+)*)")
_EMBEDDED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_LITERALS: Mapping[str, Any] = {"true": True, "false": False, "null": None}

Functions = Mapping[str, Callable[..., Any]]


class ExpressionError(AssertionError):
    """An expression holds something that this runner does not know: teach it, or write less."""


@dataclass
class Expressions:
    """Evaluates against the given names. Shape: `names` are nested mappings, as `github.event`."""

    names: Mapping[str, Any]
    functions: Functions

    def text(self, written: Any) -> str:
        """Fill in the expressions embedded in a text."""
        return _EMBEDDED.sub(lambda found: spelled(self.value(found[1])), spelled(written))

    def holds(self, condition: Any) -> bool:
        """Whether an `if:` lets its step run; braces around it are optional there."""
        whole = _EMBEDDED.fullmatch(spelled(condition).strip())
        return bool(self.value(whole[1] if whole else spelled(condition)))

    def value(self, expression: str) -> Any:
        """Evaluate one expression."""
        reader = _Reader(_split(expression), self)
        found = reader.either()
        if reader.rest:
            raise ExpressionError(f"{expression!r}: what is {reader.rest[0]!r}?")
        return found

    def named(self, path: str) -> Any:
        """Look up a dotted name; what is not there is null."""
        first, *others = path.split(".")
        if first not in self.names:
            raise ExpressionError(f"nothing is called {first!r}")
        found = self.names[first]
        for part in others:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


class _Reader:
    """Reads tokens from left to right: `||` binds weakest, then `&&`, then comparisons."""

    def __init__(self, tokens: Sequence[str], expressions: Expressions) -> None:
        """Begin at the first token."""
        self.rest = list(tokens)
        self._expressions = expressions

    def either(self) -> Any:
        """Read operands of `||`: the first true one, else the last."""
        found = self._both()
        while self._takes("||"):
            other = self._both()
            found = found or other
        return found

    def _both(self) -> Any:
        found = self._compared()
        while self._takes("&&"):
            other = self._compared()
            found = found and other
        return found

    def _compared(self) -> Any:
        found = self._single()
        while self.rest and self.rest[0] in ("==", "!="):
            wanted = self.rest.pop(0) == "=="
            found = (_folded(found) == _folded(self._single())) is wanted
        return found

    def _single(self) -> Any:
        if self._takes("!"):
            return not self._single()
        if self._takes("("):
            found = self.either()
            self._require(")")
            return found
        token = self.rest.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token.lstrip("-").isdigit():
            return int(token)
        return self._called(token) if self._takes("(") else self._known(token)

    def _known(self, token: str) -> Any:
        return _LITERALS[token] if token in _LITERALS else self._expressions.named(token)

    def _called(self, name: str) -> Any:
        if name not in self._expressions.functions:
            raise ExpressionError(f"nobody knows the function {name}")
        arguments = []
        while not self._takes(")"):
            arguments.append(self.either())
            self._takes(",")
        return self._expressions.functions[name](*arguments)

    def _takes(self, token: str) -> bool:
        if self.rest[:1] != [token]:
            return False
        self.rest.pop(0)
        return True

    def _require(self, token: str) -> None:
        if not self._takes(token):
            raise ExpressionError(f"{token!r} is missing")


def spelled(value: Any) -> str:
    """Write a value as GitHub puts it into a text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _folded(value: Any) -> Any:
    """Prepare for a comparison: texts compare without regard to case, nothing equals the empty."""
    return "" if value is None else value.casefold() if isinstance(value, str) else value


def _split(expression: str) -> Sequence[str]:
    tokens, position = [], 0
    text = expression.strip()
    while position < len(text):
        found = _TOKENS.match(text, position)
        if found is None:
            raise ExpressionError(f"{expression!r}: cannot read {text[position:]!r}")
        tokens.append(found[1])
        position = found.end()
    return tokens
