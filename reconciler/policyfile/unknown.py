"""What to say about a key that does not belong where it stands."""

from reconciler.policyfile.keys import Grammar
from reconciler.yamltree.scalars import quoted

_LATER = (
    *("at_least", "at_most", "has_referrer", "in_use", "labels", "pulled_within"),
    *("sources", "templates", "ttl_from", "use", "while_in"),
)
"""Keys that later versions of the language may have."""


def unknown_key(grammar: Grammar, level: str, key: str) -> str:
    """Return the sentence about a key that its level does not know."""
    return f"unknown key {quoted(key)}; {_cure(grammar, level, key)}"


def _cure(grammar: Grammar, level: str, key: str) -> str:
    name = key.replace("-", "_").lower()
    if near := grammar.suggestion(level, key):
        return f"did you mean '{near}'?"
    if name in grammar.foreign:
        return grammar.foreign[name]
    if name in _LATER:
        return "this version of reconciler does not have it; remove it"
    if homes := grammar.homes_of(key):
        home = homes[-1]
        return f"it belongs {grammar.homes[home]}, as in {grammar.example(home, key)}"
    return f"the keys here are {', '.join(grammar.keys_of(level))}"
