"""The state in a directory: where things are, what is created when, what is said when not."""

import errno
import os
import zlib
from hashlib import sha256
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from reconciler.errors import StateError
from reconciler.model.inventory import Observation, Observations
from reconciler.model.names import Digest, Repository, Tag
from reconciler.state import local
from reconciler.state.local import LocalState
from tests.support.states import NOON, WEB, holder, intent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Say where the state is."""
    return tmp_path / "deep" / "state"


def test_reading_alone_leaves_no_directory_behind(root: Path) -> None:
    state = LocalState(root)
    web = state.of(WEB)

    web.records()
    web.observations()
    web.holder()
    state.repositories()

    assert not root.parent.exists()


def test_each_repository_has_a_directory_that_no_other_repository_can_have(root: Path) -> None:
    state = LocalState(root)
    names = [
        Repository("ghcr.io/acme"),
        Repository("ghcr.io/acme/web"),
        Repository("[2001:db8::1]:5000/acme"),
        Repository("localhost:5000/acme"),
    ]

    for name in names:
        repository = state.of(name)
        with repository.lock(holder()):
            repository.append("run-1", NOON, [intent()])
            repository.save_observations(Observations())

    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*.json*")) == [
        "127.0.0.1:5000/acme/_/journal.jsonl",
        "127.0.0.1:5000/acme/_/observations.json",
        "[2001:db8::1]:5000/acme/_/journal.jsonl",
        "[2001:db8::1]:5000/acme/_/observations.json",
        "ghcr.io/acme/_/journal.jsonl",
        "ghcr.io/acme/_/observations.json",
        "ghcr.io/acme/web/_/journal.jsonl",
        "ghcr.io/acme/web/_/observations.json",
    ]
    assert list(LocalState(root).repositories()) == sorted(names)


def test_directories_of_other_people_are_no_repositories(root: Path) -> None:
    with LocalState(root).of(WEB).lock(holder()):
        pass
    for name in ("lost+found/_", "_/_", "ghcr.io/_", "ghcr.io/Acme/_"):
        (root / name).mkdir(parents=True)

    assert list(LocalState(root).repositories()) == [WEB]


def test_a_journal_is_plain_lines_of_json(root: Path) -> None:
    web = LocalState(root).of(WEB)

    with web.lock(holder()):
        web.append("run-1", NOON, [intent()])

    assert (root / WEB / "_/journal.jsonl").read_text() == (
        '{"body":{"key":"ghcr.io/acme/web@sha256:' + "0" * 63 + '1","version_id":"1"},'
        '"hash":"' + web.records()[0].hash + '","prev":"sha256:' + "0" * 64 + '",'
        '"run":"run-1","seq":1,"ts":"2026-03-01T12:00:00Z","type":"intent","v":1}\n'
    )


def test_observations_say_only_what_was_seen(root: Path) -> None:
    web = LocalState(root).of(WEB)
    digest = Digest("sha256:" + "1" * 64)

    with web.lock(holder()):
        web.save_observations(Observations(digests={digest: Observation(first_seen=NOON)}))

    assert (root / WEB / "_/observations.json").read_text() == (
        '{"digests":{"sha256:' + "1" * 64 + '":{"first_seen":"2026-03-01T12:00:00Z"}}}'
    )


def test_a_root_that_can_be_written_is_made_and_left_empty(root: Path) -> None:
    LocalState(root).check_writable()

    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    ("call", "code", "message", "advice"),
    [
        ("write", errno.ENOSPC, "No space left on device", "Free some space"),
        ("fsync", errno.EIO, "Input/output error", "Check that disk"),
        ("mkdir", errno.EROFS, "Read-only file system", "Mount that file system for writing"),
        ("mkdir", errno.EACCES, "Permission denied", "Give this user the right"),
    ],
)
def test_a_root_that_cannot_be_written_is_found_out_before_anything_is_deleted(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    code: int,
    message: str,
    advice: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(StateError) as caught:
            LocalState(root).check_writable()

    assert str(caught.value) == f"cannot write to {root}: {message}"
    assert caught.value.hint.startswith(advice)
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_file_in_the_place_of_the_root_is_refused(root: Path) -> None:
    root.parent.mkdir()
    root.write_text("")

    for refused in (
        LocalState(root).check_writable,
        LocalState(root).repositories,
        lambda: LocalState(root).of(WEB),
    ):
        with pytest.raises(StateError, match=str(root)):
            refused()


def test_a_state_on_another_machine_is_pointed_out(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "network_filesystem", lambda path: "nfs4")

    with capture_logs() as logs:
        LocalState(root).check_writable()

    assert logs == [
        {
            "event": "state_on_network_filesystem",
            "log_level": "warning",
            "path": str(root),
            "filesystem": "nfs4",
        }
    ]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"digests":{"sha256:1":{}}}', b'{"other":1}', b"\xff"]
)
def test_damaged_observations_are_an_error_that_says_what_to_do(root: Path, content: bytes) -> None:
    web = LocalState(root).of(WEB)
    path = root / WEB / "_/observations.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    with pytest.raises(StateError, match=f"{path} is damaged: ") as caught:
        web.observations()

    assert caught.value.hint.startswith("Restore it from a copy.")


def test_a_hundred_thousand_observations_take_at_most_ten_megabytes_compressed(root: Path) -> None:
    digests = [
        Digest(f"sha256:{sha256(bytes([n % 251, n % 241, n % 239])).hexdigest()}")
        for n in range(10_000)
    ]
    seen = {
        digest: Observation(
            first_seen=NOON, untagged_since=NOON, tags=(Tag(f"sha-{digest[9:16]}"),)
        )
        for digest in digests
    }
    web = LocalState(root).of(WEB)

    with web.lock(holder()):
        web.save_observations(Observations(digests=seen))

    content = (root / WEB / "_/observations.json").read_bytes()
    assert len(seen) == 10_000
    assert len(zlib.compress(content)) * 10 <= 10_000_000
