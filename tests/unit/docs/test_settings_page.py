"""The page of all settings: it names what the program reads, and nothing else of ours."""

import re
from pathlib import Path

from reconciler.settings import RegistrySettings, Settings

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "settings.md").read_text(encoding="utf-8")
VARIABLE = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


def variables() -> set[str]:
    """Return the variables that fill the settings."""
    fields = Settings.model_fields.items()
    return {str(field.validation_alias or f"RECONCILER_{name.upper()}") for name, field in fields}


def section(heading: str) -> str:
    """Return the text below a heading."""
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_page_has_every_variable_of_the_settings_and_no_other() -> None:
    ours = section("Variables of Reconciler") + section("GitHub")

    assert set(VARIABLE.findall(ours)) == variables()


def test_the_page_has_every_key_of_a_registry_and_no_other() -> None:
    keys = re.findall(r"^\| `([a-z_]+)` \|", section("The keys of a registry"), re.MULTILINE)

    assert set(keys) == set(RegistrySettings.model_fields)


def test_every_variable_that_is_read_by_name_is_on_a_page() -> None:
    sources = (DOCS.parent / "reconciler").rglob("*.py")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    names = set(re.findall(r'(?:environ|environment)\.get\("([A-Z_]+)"', text))

    assert len(names) > 3
    assert {name for name in names if f"`{name}`" not in PAGE and f"`{name}=" not in PAGE} == set()


def test_the_shared_options_are_options_of_commands() -> None:
    listed = set(re.findall(r"--[a-z][a-z-]+", section("Options that several commands have")))
    files = (DOCS.parent / "reconciler" / "commands").glob("*.py")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files)

    assert len(listed) > 5
    assert [one for one in listed if f'"{one}"' not in sources and one != "--help"] == []
