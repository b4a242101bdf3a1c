"""What a check prints: for people, for programs, and harmless whatever it quotes."""

import json

from reconciler.analysis.health import HealthFinding, HealthResult, Kind
from reconciler.errors import UnreachableError
from reconciler.formats.health import FORMATS
from reconciler.formats.view import View
from tests.support.inventories import WEB
from tests.support.time import NOON

CLEAN = HealthResult(WEB)
HOSTILE = "evil\x1b[31m`|</td>@everyone\n# done"


def printed(
    *checked: HealthResult, output: str = "text", width: int = 80, rows: bool = False
) -> str:
    """Print in a format."""
    return FORMATS[output](checked, View(NOON, width, all_rows=rows))


def finding(kind: Kind = Kind.OVERDUE, count: int = 1) -> HealthFinding:
    """Find something, with examples."""
    examples = tuple(f"sha-{at}" for at in range(count))
    return HealthFinding(kind, "images are due", "Apply.", examples)


def test_where_all_is_well_one_line_says_so() -> None:
    assert printed(CLEAN) == "Check: 1 repository, all is well.\n"
    assert printed(CLEAN, CLEAN) == "Check: 2 repositories, all is well.\n"
    assert printed(CLEAN, output="markdown") == "### Check: 1 repository, all is well.\n\n"


def test_a_finding_stands_under_its_repository_with_examples_and_a_cure() -> None:
    assert printed(HealthResult(WEB, findings=(finding(count=7),)), CLEAN) == (
        "ghcr.io/acme/web\n"
        "  ! overdue: images are due\n"
        "      sha-0\n"
        "      sha-1\n"
        "      sha-2\n"
        "      sha-3\n"
        "      sha-4\n"
        "      ... and 2 more; --all shows them\n"
        "    Apply.\n"
        "\n"
        "Check: 2 repositories, 1 finding.\n"
    )
    assert "sha-6" in printed(HealthResult(WEB, findings=(finding(count=7),)), rows=True)


def test_a_notice_is_no_alarm() -> None:
    told = printed(HealthResult(WEB, findings=(finding(Kind.UNDO_CLOSING, 0),)))

    assert told.startswith("ghcr.io/acme/web\n  - undo-closing: images are due\n    Apply.\n")
    assert told.endswith("\nCheck: 1 repository, all is well, 1 notice.\n")


def test_what_could_not_be_read_is_never_well() -> None:
    error = UnreachableError("no answer", hint="Try again.")

    told = printed(HealthResult(WEB, error=error))

    assert "  ! cannot be read: no answer\n    Try again.\n" in told
    assert told.endswith("Check: 1 repository, 1 of them could not be read.\n")


def test_programs_get_every_example_and_every_error() -> None:
    error = UnreachableError("no answer", hint="Try again.")
    checked = (HealthResult(WEB, findings=(finding(count=7),)), HealthResult(WEB, error=error))

    document = json.loads(printed(*checked, output="json"))

    assert (document["alarms"], document["unread"]) == (1, 1)
    first, second = document["repositories"]
    assert first["findings"] == [
        {
            "kind": "overdue",
            "alarm": True,
            "message": "images are due",
            "cure": "Apply.",
            "examples": [f"sha-{at}" for at in range(7)],
        }
    ]
    assert second["error"] == {"message": "no answer", "hint": "Try again."}


def test_hostile_words_stay_words() -> None:
    hostile = HealthFinding(Kind.BROKEN, HOSTILE, HOSTILE, (HOSTILE,))
    checked = HealthResult(WEB, findings=(hostile,), error=UnreachableError(HOSTILE, hint=HOSTILE))

    text, markdown = printed(checked), printed(checked, output="markdown")

    assert "\x1b" not in text + markdown
    assert "\n# done" not in text + markdown
    quoted = [line for line in markdown.splitlines() if "@everyone" in line]
    assert len(quoted) == 4
    assert all(line.count("`") % 2 == 0 and "|" not in line for line in quoted)


def test_lines_fit_the_terminal() -> None:
    long = HealthFinding(Kind.OVERDUE, "many words " * 20, "do this " * 20)

    for width in (80, 140):
        lines = printed(HealthResult(WEB, findings=(long,)), width=width).splitlines()
        assert max(map(len, lines)) <= width
