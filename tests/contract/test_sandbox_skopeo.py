"""The sandbox as a registry, judged by skopeo, which shares no code with us."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.sandbox.generate import lifelike
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import SandboxSettings
from tests.support.documents import image, index
from tests.support.skopeo import SkopeoError, pull_whole, push_layout, write_layout

pytestmark = pytest.mark.server

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
LOGIN = ("somebody", "ghp_sandbox")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Serve a lifelike package."""
    with Sandbox(SandboxSettings(now=lambda: NOW), [lifelike(NOW)]).serve() as serving:
        yield serving


def test_a_generated_release_is_pulled_whole_without_any_login(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    package = sandbox.package("acme/web")

    pull_whole(f"{sandbox.host}/acme/web:latest", tmp_path)

    # skopeo writes the index anew; the images and attestations it lists are kept as they came.
    pulled = {path.name: path.read_bytes() for path in tmp_path.glob("*.manifest.json")}
    children = json.loads(package.tags["latest"].body or b"")["manifests"]
    found = [package.find(child["digest"]) for child in children]
    assert pulled == {
        f"{version.digest[7:]}.manifest.json": version.body for version in found if version
    }
    assert len(pulled) == 4


def test_an_image_that_skopeo_pushed_is_pulled_again_as_it_was(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    pushed = index(image("amd64"), image("arm64", platform="linux/arm64"))
    name = f"{sandbox.host}/octocat/tools/hammer:1.0"

    push_layout(write_layout(tmp_path / "layout", pushed), name, credentials=LOGIN)
    pull_whole(name, tmp_path / "pulled", credentials=LOGIN)

    assert (tmp_path / "pulled" / "manifest.json").read_bytes() == pushed.content
    assert len(sandbox.package("octocat/tools/hammer").live) == 3


def test_a_private_package_is_not_pulled_without_a_login(sandbox: Sandbox, tmp_path: Path) -> None:
    name = f"{sandbox.host}/octocat/tools/hammer:1.0"
    push_layout(write_layout(tmp_path / "layout", image("secret")), name, credentials=LOGIN)

    with pytest.raises(SkopeoError, match="403"):
        pull_whole(name, tmp_path / "pulled")
