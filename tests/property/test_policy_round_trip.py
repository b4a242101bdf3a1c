"""Any policy can be written into a file, read again, and is never marked by an editor."""

import json
from typing import Any

from hypothesis import given
from jsonschema import Draft7Validator

from reconciler.formats.schema import json_schema
from reconciler.model.policy import Policy
from reconciler.policyfile import load_text
from tests.support.example_counts import THIRD
from tests.support.strategies import policies

EDITOR: Any = Draft7Validator(json_schema())


def written(policy: Policy) -> dict[str, Any]:
    """Return the file that holds one policy, as JSON, which is YAML too."""
    part = policy.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"version": 1, "policies": [part]}


@THIRD
@given(policies())
def test_a_policy_written_into_a_file_is_read_as_it_was(policy: Policy) -> None:
    content = json.dumps(written(policy)).encode()

    assert load_text("policy.yaml", content).policies == (policy,)


@THIRD
@given(policies())
def test_an_editor_finds_no_fault_in_a_policy_that_the_loader_accepts(policy: Policy) -> None:
    assert [error.message for error in EDITOR.iter_errors(written(policy))] == []
