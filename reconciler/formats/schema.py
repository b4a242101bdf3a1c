"""JSON Schemas: of files that people write, for editors, and of what commands write, for programs.

Those of policies and tests check less than the loader does: rules about several keys, other files
or RE2 are checked by `reconciler validate`. Every file that the loader accepts, the schema accepts
as well.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from reconciler.analysis.usage import UsageTotals
from reconciler.formats.schema_reports import CheckDocument, DiagnoseDocument
from reconciler.model.match import SELECTORS
from reconciler.model.names import Name
from reconciler.model.patterns import MAX_PATTERN, TagRegex
from reconciler.model.plan import Plan, RestoreSummary, Summary
from reconciler.model.policy import PolicyFile
from reconciler.model.policytest import PolicyTest
from reconciler.model.semver import MAX_RANGE, SemVerRange
from reconciler.model.snapshot import Snapshot

_LONGEST = {TagRegex: MAX_PATTERN, SemVerRange: MAX_RANGE}
"""Names whose grammar a JSON Schema cannot express; for these it only limits the length."""

_TOGETHER: dict[str, dict[str, Any]] = {
    "Match": {
        "oneOf": [{"required": [selector]} for selector in SELECTORS],
        "dependencies": {
            "prerelease": ["semver"],
            "untagged": {
                "properties": {
                    **{key: {"maxItems": 0} for key in ("except", "with", "without")},
                    "every_tag": {"const": False},
                }
            },
        },
    },
    "Keep": {
        "minProperties": 1,
        "dependencies": {"all": {"maxProperties": 1}, "none": {"maxProperties": 1}},
    },
    "Protection": {
        "oneOf": [{"required": ["match"]}, {"required": ["digests"]}],
        "dependencies": {"match": {"properties": {"opaque": {"const": False}}}},
    },
}
"""Conditions between the keys of one part."""


def json_schema() -> dict[str, Any]:
    """Return the schema of a policy file, in the draft that YAML editors support."""
    return schema_of("policy")


def schema_of(name: str) -> dict[str, Any]:
    """Return the schema of the document that has this name in `SCHEMAS`."""
    title, schema = SCHEMAS[name]
    # It is not fetched from anywhere, so its name is no address.
    named = {"$schema": _Written.schema_dialect, "$id": f"urn:registry-reconciler:schema:{name}"}
    return {**named, **schema(), "title": title}


def _policy() -> dict[str, Any]:
    schema = PolicyFile.model_json_schema(schema_generator=_Generator)
    for name, rule in _TOGETHER.items():
        schema["$defs"][name] |= rule
    return schema


def _plan() -> dict[str, Any]:
    schema = _written(Plan)
    for kind, summary in (("DeletionPlan", Summary), ("RestorePlan", RestoreSummary)):
        # What a file has in addition to the values that it is made of.
        counts = _written(summary)
        digest = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
        schema["$defs"][kind]["properties"] |= {"summary": counts, "digest": digest}
        schema["$defs"][kind]["required"] += ["summary", "digest"]
    return schema


def _usage() -> dict[str, Any]:
    schema = _written(UsageTotals)
    for part in (schema, *schema["$defs"].values()):
        part["additionalProperties"] = False
    return schema


SCHEMAS: Mapping[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "policy": ("Reconciler policy file", _policy),
    "policy-test": (
        "Reconciler test of a policy",
        lambda: PolicyTest.model_json_schema(schema_generator=_Generator),
    ),
    "plan": ("Reconciler plan", _plan),
    "diagnose": ("Reconciler diagnosis", lambda: _written(DiagnoseDocument)),
    "usage": ("Reconciler usage", _usage),
    "check": ("Reconciler check", lambda: _written(CheckDocument)),
    "snapshot": ("Reconciler snapshot", lambda: _written(Snapshot)),
}
"""The title and schema of each document that has one, by what `reconciler schema` takes."""


def _written(kind: Any) -> dict[str, Any]:
    """Return the schema of what a command writes."""
    return TypeAdapter(kind).json_schema(schema_generator=_Written)


class _Written(GenerateJsonSchema):
    """Writes what a document contains, with the grammars of names and without titles."""

    schema_dialect = "http://json-schema.org/draft-07/schema#"

    def function_after_schema(
        self, schema: core_schema.AfterValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """Write the grammar of a name."""
        # The model remembers what it has read: the name itself is inside that.
        function = schema["function"]["function"]
        kind = getattr(function, "__wrapped__", function)
        if not (isinstance(kind, type) and issubclass(kind, Name)):
            return super().function_after_schema(schema)
        # JSON Schema patterns are ECMA 262, which differs from RE2 and has no semver ranges.
        if kind in _LONGEST:
            return {"type": "string", "minLength": 1, "maxLength": _LONGEST[kind]}
        return {"type": "string", "pattern": f"^(?:{kind.grammar()})$"}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        """Write no titles: the key itself is the title."""
        return False


class _Generator(_Written):
    """Writes what a file may contain: no nulls, since the loader rejects them."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Write the schema of the value, without null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Write a default, unless it is null."""
        written = super().default_schema(schema)
        return {key: value for key, value in written.items() if (key, value) != ("default", None)}
