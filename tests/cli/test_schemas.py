"""`reconciler schema NAME`: what the commands really write, and the files that are here, fit it."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft7Validator

from reconciler.commands.schema import SchemaName
from reconciler.formats.schema import SCHEMAS, schema_of
from tests.support.cli_harness import CliHarness, served_package

ROOT = Path(__file__).parents[2]
WRITTEN = {
    "plan": ["plan", "--format", "json"],
    "diagnose": ["diagnose", "{repository}", "--format", "json"],
    "usage": ["usage", "{repository}", "--format", "json"],
    "check": ["check", "--format", "json"],
    "snapshot": ["snapshot", "{repository}", "-o", "copy.json"],
}
"""The command line of each document; `snapshot` writes a file."""


def problems(name: str, document: object) -> list[str]:
    """Return what a schema finds wrong in a document."""
    validator: Any = Draft7Validator(schema_of(name))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def written(web: CliHarness, name: str) -> Any:
    """Run the command that writes a document, and parse it."""
    ended = web.reconciler(*(part.format(repository=web.repository) for part in WRITTEN[name]))
    file = web.folder / "copy.json"
    return json.loads(file.read_text() if file.exists() else ended.stdout)


def test_the_command_knows_every_schema_and_each_has_an_id() -> None:
    assert set(get_args(SchemaName)) == set(SCHEMAS)
    for name in SCHEMAS:
        schema = schema_of(name)
        Draft7Validator.check_schema(schema)
        assert schema["$id"] == f"urn:registry-reconciler:schema:{name}"


@pytest.mark.parametrize("name", WRITTEN)
def test_what_a_command_writes_fits_its_schema(tmp_path: Path, name: str) -> None:
    with served_package(tmp_path) as web:
        document = written(web, name)

    assert problems(name, document) == []
    assert problems(name, {**document, "unknown-key": 1}) != []


def test_a_plan_to_restore_fits_the_schema_of_plans(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        web.reconciler("apply", "--yes")
        web.reconciler("undo", "--last", "--out", "back.json")
        document = json.loads((tmp_path / "back.json").read_text())

    assert problems("plan", document) == []


def test_an_error_fits_the_schema_of_a_diagnosis(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        ended = web.reconciler("diagnose", f"{web.repository}-unknown", "--format", "json")

    assert problems("diagnose", json.loads(ended.stdout)) == []


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("policies/*.test.yaml")), ids=lambda path: path.name
)
def test_tests_of_policies_fit_their_schema(path: Path) -> None:
    # As the loader reads it, a time without quotes is text.
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506

    assert problems("policy-test", document) == []


def test_the_first_version_of_plans_fits_the_schema() -> None:
    for kind in ("deletion", "restoration"):
        path = ROOT / "tests" / "golden" / "first_version" / f"{kind}.json"

        assert problems("plan", json.loads(path.read_text())) == []
