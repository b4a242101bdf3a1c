"""What the manifest cache promises: true documents or none, whatever happens to its file."""

import hashlib
import multiprocessing
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from reconciler.model.names import Digest
from reconciler.transport.cache import ROW_BYTES, USE_GRAIN, Document, ManifestCache


def document(text: str) -> tuple[Digest, Document]:
    """Return a document and its digest."""
    body = text.encode()
    return Digest(f"sha256:{hashlib.sha256(body).hexdigest()}"), ("application/json", body)


def documents(*texts: str) -> dict[Digest, Document]:
    """Return documents by digest."""
    return dict(document(text) for text in texts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Say where the cache file is to be; neither it nor its folder exists yet."""
    return tmp_path / "reconciler" / "manifests.sqlite3"


@pytest.fixture
def cache(path: Path) -> Iterator[ManifestCache]:
    """Open a cache and close it in the end."""
    opened = ManifestCache(path)
    yield opened
    opened.close()


def test_what_was_kept_is_found_by_a_later_run(path: Path) -> None:
    first, second = ManifestCache(path), ManifestCache(path)
    kept = documents("one", "two")

    first.put(kept)
    first.close()
    found = second.get([*kept, document("never kept")[0]])

    assert found == kept
    second.close()


def test_more_documents_than_one_query_takes_are_all_found(cache: ManifestCache) -> None:
    kept = documents(*(f"document {number}" for number in range(1201)))

    cache.put(kept)

    assert cache.get(kept) == kept


def test_a_document_changed_on_disk_is_dropped_and_can_be_kept_again(
    cache: ManifestCache, path: Path
) -> None:
    digest, kept = document("true")
    (_, other) = document("false")
    cache.put({digest: kept, **documents("sound")})
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE documents SET body = ? WHERE digest = ?", (other[1], digest))

    with capture_logs() as logs:
        assert cache.get([digest, *documents("sound")]) == documents("sound")
    cache.put({digest: kept})

    assert [entry["event"] for entry in logs] == ["cached_documents_damaged"]
    assert cache.get([digest]) == {digest: kept}


def test_a_file_that_is_no_database_is_set_aside_and_replaced(
    cache: ManifestCache, path: Path
) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this was something else " * 500)

    with capture_logs() as logs:
        found = cache.get(documents("one"))
    cache.put(documents("one"))

    assert found == {}
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("cache_damaged", "warning")
    ]
    assert cache.get(documents("one")) == documents("one")
    assert path.with_name(f"{path.name}.damaged-{os.getpid()}").read_bytes().startswith(b"this was")


def test_a_file_damaged_in_the_middle_never_gives_wrong_documents(path: Path) -> None:
    kept = documents(*(f"document {number} " * 40 for number in range(300)))
    writer = ManifestCache(path)
    writer.put(kept)
    writer.close()
    content = bytearray(path.read_bytes())
    content[4096 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4096)
    path.write_bytes(content)
    reader = ManifestCache(path)

    found = reader.get(kept)
    reader.put(kept)

    assert found.items() <= kept.items()
    assert reader.get(kept).items() <= kept.items()
    reader.close()


def test_a_place_that_cannot_be_written_costs_one_warning_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = ManifestCache(tmp_path / "file" / "manifests.sqlite3")

    with capture_logs() as logs:
        cache.put(documents("one"))
        found = cache.get(documents("one"))
        cache.put(documents("two"))

    assert found == {}
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("cache_unusable", "warning")
    ]


def test_without_a_path_nothing_is_kept_and_nothing_is_said() -> None:
    cache = ManifestCache(None)

    with capture_logs() as logs:
        cache.put(documents("one"))

    assert cache.get(documents("one")) == {}
    assert logs == []


def test_only_its_owner_can_read_what_came_from_private_repositories(
    cache: ManifestCache, path: Path
) -> None:
    cache.put(documents("one"))

    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_beyond_the_limit_the_documents_not_used_for_longest_go_first(path: Path) -> None:
    limit = 10 * (ROW_BYTES + 30)
    first = ManifestCache(path, limit=limit)
    first.put(documents("used again", "forgotten"))
    first.close()
    for number in range(USE_GRAIN):
        run = ManifestCache(path, limit=limit)
        run.put(documents(f"small {number % 3}"))
        run.close()
    last = ManifestCache(path, limit=limit)

    last.get(documents("used again"))
    last.put(documents(*(f"new {number}" for number in range(6))))

    assert last.get(documents("used again", "forgotten")) == documents("used again")
    last.close()


def test_the_file_stays_within_its_limit(path: Path) -> None:
    cache = ManifestCache(path, limit=100 * ROW_BYTES)

    for number in range(50):
        cache.put(documents(*(f"{number} {part}" for part in range(10))))

    everything = documents(*(f"{number} {part}" for number in range(50) for part in range(10)))
    assert 50 <= len(cache.get(everything)) <= 100
    cache.close()


def test_threads_share_one_cache(cache: ManifestCache) -> None:
    batches = [documents(*(f"{batch} {n}" for n in range(50))) for batch in range(20)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(cache.put, batches))
        found = list(pool.map(cache.get, batches))

    assert found == batches


def _write_and_read(path: Path, worker: int) -> int:
    cache = ManifestCache(path)
    for number in range(20):
        cache.put(documents(*(f"{worker} {number} {part}" for part in range(10))))
    written = documents(*(f"{worker} {n} {part}" for n in range(20) for part in range(10)))
    found = cache.get(written)
    cache.close()
    return len(found)


def test_two_processes_share_one_file(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")

    with spawn.Pool(2) as pool:
        found = pool.starmap(_write_and_read, [(path, 0), (path, 1)])

    assert found == [200, 200]
