"""The program for releases: the name of the owner, the checks, the notes."""

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.version import SOURCE, __version__
from tests.support.distribution import ROOT, tracked
from tools import release
from tools.release import (
    ReleaseError,
    absolute,
    check,
    leftovers,
    main,
    named_files,
    notes,
    own,
    section,
    stamp,
)

COMMIT = "0123456789" * 4
ON_GITHUB = os.environ.get("GITHUB_ACTIONS") == "true"
CHANGELOG = f"""\
# Changelog

## [Unreleased]

## [{__version__}] - 2026-12-01

### Added

- A page: [the page](docs/page.md).

## [0.0.1] - 2026-01-01

- The first.

[0.0.1]: https://example.com
"""


def texts(**named: str) -> dict[Path, str]:
    """Name files by their names without the ending `.md`."""
    return {Path(f"{name}.md"): text for name, text in named.items()}


def test_the_owner_is_written_wherever_the_repository_is_named() -> None:
    given = texts(
        A="uses: OWNER/reconciler@v0 and https://github.com/OWNER/reconciler.git",
        B="docker pull ghcr.io/OWNER/reconciler:1",
        C="github://OWNER/REPOSITORY, OWNER/reconciler-other, xOWNER/reconciler",
    ) | {Path("CODEOWNERS"): "* @OWNER\n"}

    changed = own(given, "Acme/Retention", known="OWNER/reconciler")

    assert changed == texts(
        A="uses: Acme/Retention@v0 and https://github.com/Acme/Retention.git",
        B="docker pull ghcr.io/acme/retention:1",
    ) | {Path("CODEOWNERS"): "* @Acme\n"}


@pytest.mark.parametrize("slug", ["acme", "acme/", "a b/c", "-acme/x", "acme/x/y", "acme/x\n"])
def test_a_name_that_is_none_is_refused(slug: str) -> None:
    with pytest.raises(ReleaseError, match="is not OWNER/NAME"):
        own({}, slug)


def test_placeholders_are_found_with_their_lines() -> None:
    found = leftovers(texts(A="one\n  uses: OWNER/reconciler@COMMIT_SHA", B="HOST/OWNER/NAME"))

    assert found == ["A.md:2: uses: OWNER/reconciler@COMMIT_SHA"]


def test_notes_are_the_section_with_the_line_to_pin_and_links_that_work() -> None:
    text = notes(CHANGELOG, COMMIT, "acme/reconciler")

    assert text.startswith(f"```yaml\nuses: acme/reconciler@{COMMIT}  # v{__version__}\n```\n")
    assert f"`docker pull ghcr.io/acme/reconciler:{__version__}`" in text
    assert text.endswith(
        "### Added\n\n- A page: [the page]"
        f"(https://github.com/acme/reconciler/blob/v{__version__}/docs/page.md).\n"
    )


def test_a_section_ends_where_the_next_one_begins_and_has_no_references() -> None:
    assert section(CHANGELOG, "0.0.1") == "- The first.\n"


@pytest.mark.parametrize("version", ["Unreleased", "9.9.9"])
def test_a_version_without_a_dated_section_cannot_be_released(version: str) -> None:
    with pytest.raises(ReleaseError, match="has no section"):
        section(CHANGELOG, version)


def test_links_to_pages_and_pictures_become_addresses_and_others_stay() -> None:
    page = "[a](docs/a.md#x) ![b](docs/b.png) [c](https://example.com) [d](#here)"

    assert absolute(page, "acme/x", "v1") == (
        "[a](https://github.com/acme/x/blob/v1/docs/a.md#x)"
        " ![b](https://raw.githubusercontent.com/acme/x/v1/docs/b.png)"
        " [c](https://example.com) [d](#here)"
    )


def test_a_release_is_refused_unless_tag_owner_and_changelog_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(release, "SOURCE", "acme/reconciler")
    tag = f"v{__version__}"

    check(texts(A="uses: acme/reconciler@v0"), CHANGELOG, tag, "Acme/Reconciler")

    for reason, page, changelog, named, slug in (
        ("the tag is v9.9.9", "", CHANGELOG, "v9.9.9", "acme/reconciler"),
        ("tools.release own other/x", "", CHANGELOG, tag, "other/x"),
        ("A.md:1: @OWNER", "@OWNER", CHANGELOG, tag, "acme/reconciler"),
        ("has no section", "", "# Changelog\n", tag, "acme/reconciler"),
    ):
        with pytest.raises(ReleaseError, match=reason):
            check(texts(A=page), changelog, named, slug)


def test_a_stamp_is_a_commit() -> None:
    assert stamp('a = 1\nCOMMIT = ""\n', COMMIT) == f'a = 1\nCOMMIT = "{COMMIT}"\n'
    with pytest.raises(ReleaseError, match="is not a commit"):
        stamp("", "main")


def test_it_ends_with_one_sentence_and_not_with_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "v0", "acme/x"]) == 1
    assert capsys.readouterr().err.startswith("Error: the tag is v0, ")


def test_once_there_is_an_owner_no_placeholder_reaches_anybody(tmp_path: Path) -> None:
    clone = tracked(tmp_path)
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=clone, check=True)
    before = {path: path.read_text(encoding="utf-8") for path in named_files(clone)}

    after = before | own(before, "acme/reconciler")

    assert len(before) > 300
    assert leftovers(after) == []
    assert leftovers(before) == [] or SOURCE == release.PLACEHOLDER
    # The lines that people copy name no other placeholder, either.
    assert [str(path) for path, text in after.items() if "COMMIT_SHA" in text] == []


def test_on_github_the_repository_has_an_owner() -> None:
    assert not ON_GITHUB or SOURCE != release.PLACEHOLDER, (
        "run `python -m tools.release own OWNER/NAME`, and commit what it changes"
    )


def test_the_variable_is_documented() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert "python -m tools.release own " in text
