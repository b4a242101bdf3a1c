"""`reconciler validate` reads tests of policies as well, and runs none."""

from pathlib import Path

import pytest

from reconciler.__main__ import run

POLICY = """\
version: 1
policies:
  - name: web
    repositories: [ghcr.io/acme/web]
    rules: [{name: all, match: {any: true}, keep: {all: true}}]
"""
TEST = """\
policy: {name}
now: '2026-01-31T12:00:00Z'
images: [{{tags: [v1], pushed: 3d, expect: keep}}]
"""


@pytest.mark.parametrize("path", ["policies", "policies/web.test.yaml"])
@pytest.mark.parametrize(("name", "code"), [("web", 0), ("wbe", 78)])
def test_a_test_is_checked_with_its_policy(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    path: str,
    name: str,
    code: int,
) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "web.yaml").write_text(POLICY)
    (folder / "web.test.yaml").write_text(TEST.format(name=name))
    monkeypatch.chdir(tmp_path)

    assert run(["validate", path]) == code

    printed = capsys.readouterr().out
    assert ("policies/web.test.yaml:1:9" in printed) is bool(code)
    assert ("1 policies in 1 files are valid." in printed) is not bool(code)
