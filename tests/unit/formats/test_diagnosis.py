"""A diagnosis as people read it: complete, narrow enough, and safe whatever artifacts call it."""

import re
from dataclasses import replace

from reconciler.analysis.diagnose.diagnose import DiagnosisResult, diagnose, outlook
from reconciler.errors import EvidenceError
from reconciler.formats.diagnosis import report
from reconciler.formats.growth import sparkline
from reconciler.formats.report_text import FORMATS
from reconciler.formats.view import View
from reconciler.model.inventory import Observations, Version
from tests.support.diagnosed import tried
from tests.support.inventories import WEB, image, index, inventory
from tests.support.labelled.mixed import HABITS, package_of
from tests.support.time import NOON

NEXT = "reconciler init ghcr.io/acme/web"
HOSTILE = "x\x1b[31m<script>alert(1)</script> @octocat `|\u202e"


def examined(*versions: Version) -> DiagnosisResult:
    """Diagnose versions without a policy."""
    diagnosis = diagnose(inventory(*versions), Observations(), now=NOON)
    return DiagnosisResult(WEB, diagnosis, forecast=outlook(diagnosis, None))


def written(one: DiagnosisResult, output: str, *, width: int = 80, all_rows: bool = False) -> str:
    """Print a report of one repository."""
    return FORMATS[output](report([one]), View(NOON, width=width, all_rows=all_rows))


def everything() -> DiagnosisResult:
    """Diagnose a package of every habit."""
    diagnosis = tried(package_of(HABITS, NOON)).diagnosis
    return DiagnosisResult(WEB, diagnosis, forecast=outlook(diagnosis, None))


def test_a_terminal_of_80_columns_holds_every_line_but_the_policy() -> None:
    text = written(everything(), "text", all_rows=True).partition("\n# Deletes versions")[0]

    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_each_format_names_every_cause_with_an_example_and_the_policy() -> None:
    one = everything()
    assert one.diagnosis

    for output in FORMATS:
        told = written(one, output, all_rows=True)
        for group in one.diagnosis.groups:
            assert group.cause in told
            assert group.findings[0].version.digest.short in told
        assert "match: {untagged: true}" in told


def test_a_page_draws_what_there_was_by_week_and_what_is_expected() -> None:
    told = written(examined(image("a", "v1", age="20d"), image("b", "main", age="1d")), "html")

    assert "<desc>Versions that exist now, by the day of their push;" in told
    assert "needed: 0 on 2025-11-03, 2 now. needed by nothing: 0 on 2025-11-03, 0 now." in told
    assert "as it is: 8 to 11 on 2027-01-31." in told
    assert told.count('class="ahead "') == 2 * 2 + 2


def test_the_first_line_is_the_answer_in_every_format() -> None:
    one = everything()

    first = {output: written(one, output, width=200) for output in FORMATS}

    answer = first["text"].partition("\n")[0].rstrip(".")
    assert re.fullmatch(
        r"\d+% of \d+ versions, [\d.]+ KiB, are needed by nothing; main cause: [a-z ]+", answer
    )
    assert first["text"].splitlines()[1] == "Next: reconciler init ghcr.io/acme/web"
    assert first["markdown"].splitlines()[2] == f"**{answer}**; next: `{NEXT}`"
    assert f'<p class="answer">{answer}; next: <code>{NEXT}</code></p>' in first["html"]


def test_a_repository_where_all_is_needed_is_told_so() -> None:
    told = written(examined(image("one", "v1")), "text")

    assert told.startswith("All of 1 version are needed.\n")


def test_a_young_repository_has_no_forecast() -> None:
    told = written(examined(image("one", "v1", age="13d")), "text")

    assert "There is no forecast: the oldest push is less than 14 days ago." in told


def test_no_page_of_ours_has_a_backtick() -> None:
    told = written(everything(), "html", all_rows=True)

    assert "`" not in told.partition("<script>")[0].partition("# Deletes versions")[0]


def test_what_an_artifact_calls_itself_does_nothing_to_whoever_reads_it() -> None:
    one = examined(image("odd", kind=HOSTILE))

    texts = {output: written(one, output, all_rows=True) for output in FORMATS}

    assert "\x1b" not in "".join(texts.values())
    assert "\u202e" not in "".join(texts.values())
    assert "<script>alert" not in texts["html"]
    cell = next(line for line in texts["markdown"].splitlines() if "octocat" in line)
    assert cell.count("|") == 5
    assert cell.rpartition("| `")[2].endswith("` |")


def test_a_tagged_image_that_cannot_be_pulled_is_told_first() -> None:
    told = written(examined(index("holes", "v1", lists=["gone"])), "text")

    assert told.splitlines()[4:7] == [
        "  1 tagged image cannot be pulled completely.",
        "    v1: the registry lacks all manifests that it lists, such as 676f6e650000",
        "  1 version: 1 tagged, 0 untagged and needed by a tagged image, 0 not needed.",
    ]


def test_a_registry_without_push_times_is_said_to_have_none() -> None:
    told = written(examined(image("one", "v1", age=None)), "text")

    assert "This registry does not report push times, so growth cannot be estimated." in told
    assert "Growth" not in told


def test_a_repository_that_could_not_be_read_says_why_and_what_to_do() -> None:
    error = EvidenceError("page 3 is missing", hint="Run it again.")

    told = written(DiagnosisResult(WEB, error=error), "text")

    assert told == (
        "ghcr.io/acme/web\n"
        "  This repository could not be read.\n"
        "    page 3 is missing\n"
        "    Run it again.\n"
        "\n"
        "Diagnose: 0 versions, 0 tagged, 0 untagged but needed, 0 not needed, 1\n"
        "repository unread.\n"
    )


def test_what_is_likely_only_is_marked_as_such() -> None:
    told = written(examined(image("old"), replace(image("new", "main"))), "text", width=140)

    assert "The cause of 1 version is likely, but not proven" in told
    assert "likely: later pushes have main" in told


def test_amounts_in_one_line_are_as_high_as_they_are_beside_the_largest() -> None:
    assert sparkline([0, 1, 4, 8]) == ".▁▄█"
    assert sparkline([0, 0]) == ".."
    assert sparkline([]) == ""
