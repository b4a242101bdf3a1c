"""The JSON Schema of policy files, for editors: completion, hints and early warnings.

It checks less than the loader does: rules about several keys, other files or RE2 are checked by
`reconciler validate`. Every file that the loader accepts, the schema accepts as well.
"""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from reconciler.model.match import SELECTORS
from reconciler.model.names import Name
from reconciler.model.patterns import MAX_PATTERN, TagRegex
from reconciler.model.policy import PolicyFile
from reconciler.model.semver import MAX_RANGE, SemVerRange

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
    schema = PolicyFile.model_json_schema(schema_generator=_Generator)
    for name, rule in _TOGETHER.items():
        schema["$defs"][name] |= rule
    return {"$schema": _Generator.schema_dialect, **schema, "title": "Reconciler policy file"}


class _Generator(GenerateJsonSchema):
    """Writes what a file may contain: no nulls, since the loader rejects them, and no titles."""

    schema_dialect = "http://json-schema.org/draft-07/schema#"

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Write the schema of the value, without null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Write a default, unless it is null."""
        written = super().default_schema(schema)
        return {key: value for key, value in written.items() if (key, value) != ("default", None)}

    def function_after_schema(
        self, schema: core_schema.AfterValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """Write the grammar of a name."""
        kind = schema["function"]["function"]
        if not (isinstance(kind, type) and issubclass(kind, Name)):
            return super().function_after_schema(schema)
        # JSON Schema patterns are ECMA 262, which differs from RE2 and has no semver ranges.
        if kind in _LONGEST:
            return {"type": "string", "minLength": 1, "maxLength": _LONGEST[kind]}
        return {"type": "string", "pattern": f"^(?:{kind.grammar()})$"}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        """Write no titles: the key itself is the title."""
        return False
