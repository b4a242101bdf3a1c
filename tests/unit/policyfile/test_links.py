"""Policies that links lead out of the folder are somebody else's, and are not read."""

from pathlib import Path

import pytest

from reconciler.model.language import PolicyProblems
from reconciler.policyfile import load_policies
from tests.support.policies import GOOD


def outside(tmp_path: Path) -> Path:
    """Write a policy outside of the folder that one stands in."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "web.yaml").write_bytes(GOOD)
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    (folder / "policies").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("linked", ["policies/web.yaml", "policies/more"])
def test_a_link_below_the_folder_that_leads_out_of_it_is_refused(
    tmp_path: Path, here: Path, linked: str
) -> None:
    there = outside(tmp_path)
    (here / "policies" / "own.yaml").write_bytes(GOOD)
    (here / linked).symlink_to(there / "web.yaml" if linked.endswith("yaml") else there)

    for named in (Path("policies"), here / "policies"):
        with pytest.raises(PolicyProblems) as caught:
            load_policies([named])
        assert "this is a symbolic link to a place outside of" in str(caught.value)
        assert "put the files themselves there" in str(caught.value)


@pytest.mark.parametrize("named", ["policies/web.yaml", "linked", "linked/web.yaml"])
def test_a_path_below_here_that_leads_out_of_here_is_refused(
    tmp_path: Path, here: Path, named: str
) -> None:
    there = outside(tmp_path)
    (here / "policies" / "web.yaml").symlink_to(there / "web.yaml")
    (here / "linked").symlink_to(there)

    with pytest.raises(PolicyProblems, match="out of"):
        load_policies([Path(named)])


def test_links_that_stay_inside_and_paths_that_go_up_by_themselves_are_read(
    tmp_path: Path, here: Path
) -> None:
    there = outside(tmp_path)
    (here / "policies" / ".data").mkdir()
    (here / "policies" / ".data" / "web.yaml").write_bytes(GOOD)
    (here / "policies" / "web.yaml").symlink_to(".data/web.yaml")

    for named in (Path("policies"), Path("../outside"), there):
        assert load_policies([named]).policies
