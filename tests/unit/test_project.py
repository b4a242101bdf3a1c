"""The settings file says where policies and state are; a hostile one reaches nothing else."""

from pathlib import Path

import pytest

from reconciler.errors import SettingsError
from reconciler.project import FILE, MAX_BYTES, find_project
from reconciler.settings import Settings


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Make the top of a clone, with a folder two levels below it."""
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    (tmp_path / "clone" / "docs" / "deep").mkdir(parents=True)
    return tmp_path / "clone"


def write(folder: Path, text: str) -> Path:
    """Write a settings file."""
    path = folder / FILE
    path.write_text(text)
    return path


def refused(folder: Path, text: str) -> str:
    """Return the message with which a settings file is refused."""
    write(folder, text)
    with pytest.raises(SettingsError) as caught:
        _ = find_project(folder).policies
    return str(caught.value)


def test_without_a_file_the_project_is_the_folder_itself(tmp_path: Path) -> None:
    project = find_project(tmp_path)

    assert project.policies == [Path("policies")]
    assert project.state == ".reconciler"


def test_policies_are_found_from_a_folder_below_them(clone: Path) -> None:
    (clone / "policies").mkdir()

    project = find_project(clone / "docs" / "deep")

    assert project.policies == [Path("../../policies")]
    assert project.state == "../../.reconciler"


def test_a_state_that_is_here_already_is_used(clone: Path) -> None:
    (clone / "policies").mkdir()
    (clone / "docs" / ".reconciler").mkdir()

    assert find_project(clone / "docs").state == ".reconciler"


def test_a_file_names_policies_and_state_for_all_folders_below_it(clone: Path) -> None:
    write(clone, 'policies = ["retention", "more/web.yaml"]\nstate = "log/state"\n')

    project = find_project(clone / "docs" / "deep")

    assert project.policies == [Path("../../retention"), Path("../../more/web.yaml")]
    assert project.state == "../../log/state"


def test_an_address_is_used_as_it_is_written(clone: Path) -> None:
    write(clone, 'state = "github://acme/web/reconciler-state?path=a"\n')

    assert find_project(clone / "docs").state == "github://acme/web/reconciler-state?path=a"


def test_the_environment_wins_over_the_file(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(clone, 'state = "s3://acme/state"\n')
    monkeypatch.chdir(clone / "docs")
    assert Settings.load().state == "s3://acme/state"

    monkeypatch.setenv("RECONCILER_STATE", "here")

    assert Settings.load().state == "here"


def test_nothing_above_the_clone_is_read(clone: Path) -> None:
    write(clone.parent, 'state = "s3://stranger/state"\n')

    assert find_project(clone / "docs").state == ".reconciler"


def test_outside_of_a_clone_nothing_above_the_folder_is_read(tmp_path: Path) -> None:
    write(tmp_path, 'state = "s3://stranger/state"\n')
    (tmp_path / "inner").mkdir()

    assert find_project(tmp_path / "inner").state == ".reconciler"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('\nstat = "here"\n', "reconciler.toml:2: 'stat' is not a key of this file; did you mean"),
        ("[limits]\nmax = 1\n", "reconciler.toml:1: 'limits' is not a key of this file; the keys"),
        (
            'policies = "policies"\n',
            "reconciler.toml:1: policies: write a list, as in policies = [",
        ),
        ('policies = ["a"]\nstate = 3\n', "reconciler.toml:2: state: "),
        ("policies = []\n", "reconciler.toml:1: policies: "),
        ('state = "a\n', "line 1"),
        ("state = " + "[" * 5_000, "reconciler.toml: "),
        ("#" * (MAX_BYTES + 1), "is larger than"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(tmp_path, text)


@pytest.mark.parametrize(
    "place",
    [
        "/var/lib/state",
        "../state",
        "postgresql://evil.example/state",
        "s3://user:secret@bucket/state",
        "s3://bucket/state?endpoint=https://evil.example",
        "github://acme/web/state?token=abc",
        "http://evil.example/",
        "",
    ],
)
def test_a_file_reaches_no_place_outside_and_sends_no_server_a_password(
    tmp_path: Path, place: str
) -> None:
    assert "reconciler.toml:1: state: " in refused(tmp_path, f'state = "{place}"\n')


@pytest.mark.parametrize("path", ["/etc", "../other", "a/../../b", ""])
def test_policies_outside_of_the_folder_are_refused(tmp_path: Path, path: str) -> None:
    assert "reconciler.toml:1: policies: " in refused(tmp_path, f'policies = ["{path}"]\n')


def test_links_lead_nowhere(clone: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (clone / "policies").symlink_to(secret)
    with pytest.raises(SettingsError, match="symbolic links lead out of"):
        _ = find_project(clone / "docs").policies

    (secret / "file").write_text("password")
    (clone / FILE).symlink_to(secret / "file")

    with pytest.raises(SettingsError, match="not a regular file"):
        find_project(clone)
