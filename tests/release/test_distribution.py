"""Wheel and sdist: the same bytes each time, complete, and what the package index takes."""

import os
import re
import shutil
import tarfile
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest
from markdown_it import MarkdownIt
from packaging.metadata import Metadata
from readme_renderer import markdown
from trove_classifiers import classifiers

from reconciler.version import DISTRIBUTION, SOURCE, __version__
from tests.support.distribution import build

COMMIT = "0123456789" * 4
STEM = f"registry_reconciler-{__version__}"


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> bytes:
    """Give what the wheel says about itself."""
    with ZipFile(wheel) as archive:
        return archive.read(f"{STEM}.dist-info/METADATA")


def test_a_second_build_elsewhere_and_later_has_the_same_bytes(
    stamped: Path, wheel: Path, sdist: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(stamped, tmp_path / "another place")
    for path in other.rglob("*"):
        os.utime(path, (1, 1))

    build(other, tmp_path / "built")

    assert (tmp_path / "built" / wheel.name).read_bytes() == wheel.read_bytes()
    assert (tmp_path / "built" / sdist.name).read_bytes() == sdist.read_bytes()


def test_the_sdist_alone_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")

    build(tmp_path / STEM, tmp_path / "built")

    assert (tmp_path / "built" / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_date_in_the_archives_is_that_of_the_commit(stamped: Path, tmp_path: Path) -> None:
    build(stamped, tmp_path, {"SOURCE_DATE_EPOCH": "1790000000"})

    with ZipFile(tmp_path / f"{STEM}-py3-none-any.whl") as archive:
        assert {part.date_time[:3] for part in archive.infolist()} == {(2026, 9, 21)}
    with tarfile.open(tmp_path / f"{STEM}.tar.gz") as archive:
        assert {part.mtime for part in archive.getmembers()} == {1790000000}


def test_the_wheel_has_the_package_and_nothing_else(stamped: Path, wheel: Path) -> None:
    package = (stamped / "reconciler").rglob("*")
    ours = {path.relative_to(stamped).as_posix() for path in package if path.is_file()}
    described = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}

    with ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert "reconciler/formats/templates/retention.yml.j2" in ours
    assert "reconciler/py.typed" in ours
    compiled = {name for name in ours if "__pycache__" in name}
    assert names == (ours - compiled) | {f"{STEM}.dist-info/{name}" for name in described}


def test_the_sdist_has_what_builds_it_and_no_data_of_tests(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.removeprefix(f"{STEM}/") for name in archive.getnames()}

    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "PKG-INFO"} <= names
    assert {
        name for name in names if name.startswith(("tests/", "cassettes/", ".github/"))
    } == set()
    assert sdist.stat().st_size < 1_000_000


def test_the_package_index_takes_the_metadata(metadata: bytes) -> None:
    read = Metadata.from_email(metadata, validate=True)

    assert (read.name, str(read.version)) == (DISTRIBUTION, __version__)
    assert read.summary
    assert read.license_expression == "MIT"
    assert str(read.requires_python) == ">=3.11"
    assert set(read.classifiers or ()) <= classifiers
    assert read.provides_extra is not None
    assert {"postgresql", "stores"} <= set(read.provides_extra)
    urls = read.project_urls or {}
    assert set(urls) == {"Changelog", "Documentation", "Homepage", "Issues", "Source"}
    assert all(url.startswith(f"https://github.com/{SOURCE}") for url in urls.values())


def test_the_page_in_the_package_index_is_shown_and_its_links_work(metadata: bytes) -> None:
    message = message_from_bytes(metadata)
    page = message.get_payload()
    assert isinstance(page, str)

    shown = markdown.render(page, variant="GFM")

    assert message["Description-Content-Type"].startswith("text/markdown")
    assert shown is not None
    assert "<table>" in shown
    targets = re.findall(r'(?:href|src)="([^"]+)"', shown)
    assert len(targets) > 20
    assert [target for target in targets if not re.match(r"https?://|#", target)] == []


def test_links_of_the_page_lead_to_files_of_the_release(metadata: bytes, stamped: Path) -> None:
    page = message_from_bytes(metadata).get_payload()
    tokens = MarkdownIt("commonmark").enable("table").parse(str(page))
    targets = [
        str(child.attrs.get("href") or child.attrs.get("src") or "")
        for token in tokens
        for child in token.children or ()
    ]
    named = [
        found["path"]
        for target in targets
        if (found := re.match(rf"https://\S+/{SOURCE}/(?:blob/)?v[\d.]+/(?P<path>[^#]+)", target))
    ]

    assert len(named) > 10
    assert [path for path in named if not (stamped / path).exists()] == []


def test_a_release_names_its_commit(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        text = archive.read("reconciler/version.py").decode()

    assert f'COMMIT = "{COMMIT}"' in text
