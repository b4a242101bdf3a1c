"""What YAML makes of an unquoted word, and what we make of it.

Readers of YAML 1.1 and 1.2 differ: `yes`, `0x1f`, `1e3`. A word that any of them takes for
something else than text has to be quoted where text is meant, so that everybody reads the same.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from yaml.nodes import ScalarNode as Unresolved
from yaml.resolver import Resolver

from reconciler.model.display import safe
from reconciler.yamltree.nodes import ListNode, MapNode, Node, ScalarNode, Sense

_MAX_TEXT = 60
"""Most characters of the file that one message quotes."""

_TAG = "tag:yaml.org,2002:"
_SENSES = {
    f"{_TAG}int": Sense.NUMBER,
    f"{_TAG}float": Sense.NUMBER,
    f"{_TAG}bool": Sense.SWITCH,
    f"{_TAG}null": Sense.NOTHING,
    f"{_TAG}timestamp": Sense.DATE,
}
_NUMBER_OF_1_2 = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|0o[0-7]+$")
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,8})")
_SWITCHES = {"true": True, "false": False}

_resolve: Callable[[type[Unresolved], str, tuple[bool, bool]], str] = Resolver().resolve


@lru_cache(maxsize=4096)
def sense_of(word: str) -> Sense:
    """Say what an unquoted word is to a reader of YAML 1.1 or 1.2."""
    if _NUMBER_OF_1_2.match(word):
        return Sense.NUMBER
    return _SENSES.get(_resolve(Unresolved, word, (True, False)), Sense.TEXT)


def value_of(scalar: ScalarNode) -> object:
    """Return a text, a plain whole number, true or false; the node itself for anything else.

    The node fits no key, so whoever validates the value reports it, and the message can quote
    what the file says: `1.10` and not `1.1`.
    """
    match scalar.sense:
        case Sense.TEXT:
            return scalar.text
        case Sense.NUMBER if _PLAIN_NUMBER.fullmatch(scalar.text):
            return int(scalar.text)
        case Sense.SWITCH:
            return _SWITCHES.get(scalar.text, scalar)
        case _:
            return scalar


def short_text(text: str) -> str:
    """Prepare a text of the file for a message: on one line, and not too long."""
    return safe(text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "...")


def quoted(text: str) -> str:
    """Quote a text of the file in a message."""
    return f"'{short_text(text)}'"


def as_written(node: Node) -> str:
    """Show a value of the file in a message: texts quoted, everything else bare."""
    match node:
        case ListNode():
            return "a list"
        case MapNode():
            return "keys and values"
        case ScalarNode(text="", sense=Sense.NOTHING):
            return "nothing"
        case ScalarNode(sense=Sense.TEXT):
            return quoted(node.text)
        case _:
            return short_text(node.text)
