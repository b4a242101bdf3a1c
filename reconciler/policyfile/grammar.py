"""The keys of each kind of file, taken from the model, and the message for each error in them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reconciler.model.durations import Instant, Past, Span
from reconciler.model.language import AgeKey, Label, OrderKey
from reconciler.model.match import Match
from reconciler.model.names import Digest, Tag
from reconciler.model.patterns import RepositoryGlob, TagGlob, TagRegex, TypeGlob
from reconciler.model.policy import Guards, Policy, PolicyFile
from reconciler.model.policytest import ExpectedGuards, ExpectedImage, ImageName, PolicyTest
from reconciler.model.rules import Keep, Protection, Rule
from reconciler.model.semver import SemVerRange
from reconciler.yamltree.tree import Node, ScalarNode, as_written, quoted, short_text

NOUNS: dict[type, str] = {
    AgeKey: "an age",
    Digest: "a digest",
    Guards: "limits",
    ImageName: "a name",
    Instant: "a time",
    Keep: "reasons to keep",
    Label: "a name",
    Match: "a selector",
    OrderKey: "a sort key",
    Past: "a time or an age",
    Policy: "a policy",
    Protection: "a protection",
    RepositoryGlob: "a repository",
    Rule: "a rule",
    SemVerRange: "a version range",
    Span: "a span of time",
    Tag: "a tag",
    TagGlob: "a tag",
    TagRegex: "a regular expression",
    TypeGlob: "an artifact type",
    str: "a text",
}


@dataclass(frozen=True, slots=True)
class Grammar:
    """The keys that one kind of file may have, and what messages say about other keys.

    Shape: `levels` are the parts of a file by the key above them, the file itself by the empty
        text; `homes` describe for each level where its keys belong.
    """

    levels: Mapping[str, type[BaseModel]]
    homes: Mapping[str, str]
    foreign: Mapping[str, str]
    """Keys of other tools, and what to write instead."""

    def keys_of(self, level: str) -> dict[str, FieldInfo]:
        """Return the keys of one level as a file spells them."""
        fields = self.levels[level].model_fields.items() if level in self.levels else ()
        return {field.alias or name: field for name, field in fields}

    def homes_of(self, key: str) -> list[str]:
        """Return the levels that have a key."""
        return [level for level in self.levels if key in self.keys_of(level)]

    def suggestion(self, level: str, key: str) -> str | None:
        """Return the most similar key of a level, None if none is similar enough."""
        # The key is untrusted and the comparison takes quadratic time, so it is cut. Below this
        # cutoff the nearest key is another word.
        near = get_close_matches(key[:64], self.keys_of(level), n=1, cutoff=0.75)
        return near[0] if near else None

    def noun(self, level: str, key: str) -> str:
        """Describe the value of a key, or of one entry of its list."""
        field = self.keys_of(level).get(key)
        kinds = list(_kinds(field.annotation)) if field else []
        # The outermost type that has a noun.
        return next((NOUNS[kind] for kind in kinds if kind in NOUNS), "a text")

    def example(self, level: str, key: str) -> str:
        """Write a key with its first example as YAML."""
        field = self.keys_of(level).get(key)
        return written({key: field.examples[0]}) if field and field.examples else key


def written(values: dict[str, Any]) -> str:
    """Write keys and values on one line of YAML."""
    # The width prevents line breaks within a value.
    text = yaml.safe_dump(values, default_flow_style=True, sort_keys=False, width=10_000)
    # Without the braces of the flow style.
    return text.strip()[1:-1]


def _kinds(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)


POLICIES = Grammar(
    levels={
        "": PolicyFile,
        "policies": Policy,
        "guards": Guards,
        "protect": Protection,
        "rules": Rule,
        "match": Match,
        "keep": Keep,
    },
    homes={
        "": "at the top of the file",
        "policies": "in a policy",
        "guards": "under 'guards'",
        "protect": "in a protection",
        "rules": "in a rule",
        "match": "under 'match'",
        "keep": "under 'keep'",
    },
    foreign={
        **dict.fromkeys(
            ("keep_last", "keep_n", "keep_count", "count", "most_recent", "keep_n_most_recent"),
            "write keep: {last: 10}",
        ),
        **dict.fromkeys(
            (
                "older_than",
                "newer_than",
                "max_age",
                "age",
                "cut_off",
                "expire_after",
                "keep_within",
            ),
            "say what to keep instead: keep: {within: 30d}",
        ),
        **dict.fromkeys(
            ("delete", "expire", "remove", "action"),
            "a rule says what to keep; the other images it covers expire",
        ),
        **dict.fromkeys(
            ("prefix", "pattern", "glob", "tag_prefix", "name_regex"),
            'write match: {tags: ["release-*"]} or match: {regex: ...}',
        ),
        **dict.fromkeys(
            ("schedule", "cron", "cadence", "interval"),
            "a policy has no schedule; run reconciler on a schedule, in CI for example",
        ),
        **dict.fromkeys(
            ("token", "password", "username", "credentials", "auth", "endpoint", "url", "registry"),
            "a policy contains no credentials; set them in the environment",
        ),
        **dict.fromkeys(("dry_run", "enabled"), "remove it; `reconciler plan` never deletes"),
        **dict.fromkeys(
            ("include", "extends", "<<"), "a policy file includes nothing; write the keys out"
        ),
    },
)

TESTS = Grammar(
    levels={"": PolicyTest, "images": ExpectedImage, "guards": ExpectedGuards},
    homes={
        "": "at the top of the file",
        "images": "in an image",
        "guards": "under 'guards'",
    },
    foreign=dict.fromkeys(
        ("policies", "rules", "protect", "keep", "match"),
        "a test only names its policy; the policy is in its own file",
    ),
)

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
