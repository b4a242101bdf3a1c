"""The keys of each kind of file, taken from the model: where they belong, value, example."""

from collections.abc import Iterator, Mapping
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
