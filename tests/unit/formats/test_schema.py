"""What editors learn of policy files: enough to help, nothing that the loader would contradict."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from reconciler.formats.schema import json_schema
from reconciler.policyfile import load_text
from reconciler.policyfile.files import policy_files
from tests.support.policies import GOOD, problems_in

SCHEMA = json_schema()
POLICIES = Path(__file__).parents[3] / "policies"


def accepted(content: str | bytes) -> bool:
    validator: Any = Draft7Validator(SCHEMA)
    return bool(validator.is_valid(yaml.safe_load(content)))


def parts() -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "file", SCHEMA
    yield from SCHEMA["$defs"].items()


def test_the_schema_is_one_that_editors_understand() -> None:
    Draft7Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("path", policy_files([POLICIES]), ids=lambda path: path.name)
def test_editors_find_no_fault_in_the_shipped_examples(path: Path) -> None:
    assert accepted(path.read_bytes())


@pytest.mark.parametrize(
    "key", [f"{name}.{key}" for name, part in parts() for key in part["properties"]]
)
def test_every_key_tells_what_it_is_for_and_how_it_is_written(key: str) -> None:
    name, _, field = key.partition(".")
    told = dict(parts())[name]["properties"][field]

    assert told["description"].endswith(".")
    assert told["examples"]


def test_every_example_of_a_key_is_one_the_schema_accepts() -> None:
    for _, part in parts():
        for field, told in part["properties"].items():
            validator: Any = Draft7Validator({**told, "$defs": SCHEMA["$defs"]})
            assert all(validator.is_valid(example) for example in told["examples"]), field


@pytest.mark.parametrize(
    ("was", "broken"),
    [
        ("version: 1", "version: 2"),
        ("version: 1", "version: 1\nsources: {}"),
        ("name: web", "name: Web"),
        ('["ghcr.io/acme/web"]', "ghcr.io/acme/web"),
        ("ghcr.io/acme/web", "https://ghcr.io/acme/web:1"),
        ("tags:", "tag:"),
        ('["sha-*"]', "[1.10]"),
        ('["sha-*"]', "[]"),
        ('["sha-*"]', '["a b"]'),
        ('tags: ["sha-*"]', 'tags: ["sha-*"], untagged: true'),
        ('tags: ["sha-*"]', ""),
        ('tags: ["sha-*"]', "untagged: false"),
        ('tags: ["sha-*"]', "untagged: true, with: [a]"),
        ('tags: ["sha-*"]', 'tags: ["sha-*"], prerelease: only'),
        ("last: 20", ""),
        ("last: 20", "last: 0"),
        ("last: 20", "last: null"),
        ("last: 20", "last: 20, all: true"),
        ("last: 20", "within: 30m"),
        ("last: 20", "daily: 7m"),
        ("keep: {last: 20}", "keep_last: 20"),
        ("keep: {last: 20}", "keep: {last: 20}, order_by: age"),
    ],
)
def test_editors_mark_what_the_loader_would_refuse(was: str, broken: str) -> None:
    text = GOOD.decode().replace(was, broken, 1)

    assert accepted(GOOD)
    assert problems_in(text.encode())
    assert not accepted(text)


@pytest.mark.parametrize(
    "more",
    [
        "protect: [{name: p}]",
        "protect: [{name: p, match: {any: true}, digests: []}]",
        "protect: [{name: p, match: {any: true}, opaque: true}]",
        "guards: {max_delete_percent: 101}",
        "unmatched_tags: drop",
    ],
)
def test_editors_mark_what_is_wrong_in_the_rest_of_a_policy(more: str) -> None:
    text = GOOD.decode() + f"    {more}\n"

    assert problems_in(text.encode())
    assert not accepted(text)


@pytest.mark.parametrize(
    "protection",
    [
        f"digests: ['sha256:{64 * '0'}'], opaque: true",
        f"digests: ['sha256:{64 * '0'}'], opaque: false",
        "match: {any: true}, opaque: false",
    ],
)
def test_manifests_that_are_named_may_be_kept_unread(protection: str) -> None:
    text = GOOD.decode() + f"    protect: [{{name: p, {protection}}}]\n"

    assert accepted(text)
    assert not problems_in(text.encode())


def test_an_empty_filter_beside_untagged_is_no_fault_to_editor_or_loader() -> None:
    text = GOOD.replace(b'tags: ["sha-*"]', b"untagged: true, except: [], every_tag: false")

    assert accepted(text)
    assert load_text("policy.yaml", text).policies
