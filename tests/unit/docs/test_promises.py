"""The table of promises: every test that it names exists, and every law of a promise is named."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([\w/]+\.py)::(test_\w+)`", PAGE)


def functions_of(path: Path) -> set[str]:
    """Return the names of the tests in a file, none where there is no such file."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return set(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))


def test_every_test_that_the_page_names_exists() -> None:
    assert len(NAMED) > 20
    assert [one for one in NAMED if one[1] not in functions_of(ROOT / "tests" / one[0])] == []


def test_every_law_of_a_promise_is_named() -> None:
    laws = {
        (path.relative_to(ROOT / "tests").as_posix(), name)
        for path in (ROOT / "tests" / "property").glob("test_promise_*.py")
        for name in functions_of(path)
    }

    assert laws - set(NAMED) == set()


def test_every_promise_of_the_readme_has_a_section() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    promises = readme.partition("## Promises")[2].partition("\n## ")[0]
    promised = re.findall(r"^(\d+)\. \*\*(.+)\.\*\*", promises, re.MULTILINE)

    assert re.findall(r"^## (\d+)\. (.+)$", PAGE, re.MULTILINE) == promised
