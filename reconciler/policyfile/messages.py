"""Messages for errors in policy files, in terms of the file, with the correction."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.policyfile.keys import Grammar, written
from reconciler.yamltree.tree import Node, ScalarNode, as_written, quoted, short_text

_LATER = (
    *("at_least", "at_most", "has_referrer", "in_use", "labels", "pulled_within"),
    *("sources", "templates", "ttl_from", "use", "while_in"),
)
"""Keys that later versions of the language may have; their message differs from a typo's."""

_NOT_ALLOWED = "{0.got} is not allowed here; write {0.example}"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error of the model. Shape: `node` is the value, or the node that should contain it."""

    grammar: Grammar
    kind: str
    facts: dict[str, Any]
    node: Node
    level: str
    key: str
    element: bool
    """Whether the value is an entry of the key's list."""

    @property
    def subject(self) -> str:
        """Name the key or entry that is wrong."""
        return f"an entry of {self.key!r}" if self.element else repr(self.key)

    @property
    def noun(self) -> str:
        """Describe the value that is expected."""
        return self.grammar.noun(self.level, self.key)

    @property
    def example(self) -> str:
        """Show the key with a correct value."""
        return self.grammar.example(self.level, self.key)

    @property
    def got(self) -> str:
        """Show the actual value as the file writes it."""
        return as_written(self.node)


def sentence(complaint: Complaint) -> str:
    """Return the message for the author of the file: what is wrong, and what to write."""
    if complaint.got == "nothing" and complaint.kind not in ("missing", "extra_forbidden"):
        return f"{complaint.subject} has no value; write {complaint.example}"
    message = _MESSAGES.get(complaint.kind, _NOT_ALLOWED)
    return message.format(complaint) if isinstance(message, str) else message(complaint)


def _list_wanted(complaint: Complaint) -> str:
    text = getattr(complaint.node, "text", "")
    # The most usual mistake is a single value without brackets: show it as a list.
    if text and text == short_text(text):
        return f"{complaint.key!r} takes a list; write {written({complaint.key: [text]})}"
    return f"{complaint.key!r} takes a list; got {complaint.got}; write {complaint.example}"


def _text_wanted(complaint: Complaint) -> str:
    node = complaint.node
    if not isinstance(node, ScalarNode):
        return f"{complaint.subject} is {complaint.noun}; got {complaint.got}"
    raw = short_text(node.text)
    # A bare number as a duration is a forgotten unit, not a text to quote.
    if complaint.noun in ("a span of time", "a time or an age") and raw.isdecimal():
        return f"{complaint.key!r} lacks its unit; write {raw}h, {raw}d or {raw}w"
    return f'YAML read {raw} as {node.type.value}, not {complaint.noun}; quote it: "{raw}"'


def _number_wanted(complaint: Complaint) -> str:
    if complaint.noun == "a span of time":
        limit = f"{complaint.key!r} takes a count or a span of time, such as 7 or 14d"
        return f"{limit}; got {complaint.got}"
    # `1_000` and `1,000` are what people write for one thousand.
    digits = re.sub("[_,']", "", complaint.got)
    remedy = f"{complaint.key}: {digits}" if digits.isdecimal() else complaint.example
    return (
        f"{complaint.key!r} is a whole number in plain digits; got {complaint.got}; write {remedy}"
    )


def _alternatives(complaint: Complaint) -> str:
    choices = complaint.facts["expected"].replace("'", "").replace(" or ", ", ")
    return f"{complaint.key!r} is one of {choices}; got {complaint.got}"


def _too_small(complaint: Complaint) -> str:
    message = f"{complaint.key!r} is at least {complaint.facts['ge']}; got {complaint.got}"
    remedy = "; to keep nothing write keep: {none: true}" if complaint.level == "keep" else ""
    return message + remedy


_MESSAGES: dict[str, str | Callable[[Complaint], str]] = {
    "bool_type": "{0.key!r} is written true or false; got {0.got}",
    "extra_forbidden": lambda it: unknown_key(it.grammar, it.level, it.key),
    "flaw": "{0.facts[text]}",
    "greater_than_equal": _too_small,
    "int_type": _number_wanted,
    "less_than_equal": "{0.key!r} is at most {0.facts[le]}; got {0.got}",
    "literal_error": _alternatives,
    "missing": "{0.key!r} is missing; write {0.example}",
    "model_type": "{0.subject} takes keys and values; got {0.got}; write {0.example}",
    "string_type": _text_wanted,
    "switch": "{0.key!r} can only be true; got {0.got}; write true or remove it",
    "too_long": "{0.key!r} has {0.facts[actual_length]} entries;"
    " at most {0.facts[max_length]} are allowed",
    "too_short": "{0.key!r} is empty; write {0.example}",
    "tuple_type": _list_wanted,
    "value_error": "{0.facts[error]}",
}
"""The message for each type of pydantic's errors and of our own.

Source: pydantic, "Validation Errors". An unlisted type gets `_NOT_ALLOWED`, so that pydantic's
own wording, which names Python types, never reaches a user.
"""


def unknown_key(grammar: Grammar, level: str, key: str) -> str:
    """Return the message about a key that its level does not have."""
    # Other tools spell their keys with dashes or capitals.
    name = key.replace("-", "_").lower()
    # From the most to the least specific advice.
    if near := grammar.suggestion(level, key):
        remedy = f"did you mean '{near}'?"
    elif name in grammar.foreign:
        remedy = grammar.foreign[name]
    elif name in _LATER:
        remedy = "this version of reconciler does not have it; remove it"
    elif homes := grammar.homes_of(key):
        # The innermost level, which is the most specific one.
        home = homes[-1]
        remedy = f"it belongs {grammar.homes[home]}, as in {grammar.example(home, key)}"
    else:
        remedy = f"the keys here are {', '.join(grammar.keys_of(level))}"
    return f"unknown key {quoted(key)}; {remedy}"
