"""Recordings of HTTP: how they are made, what is taken out of them, how they are played.

What stays is listed, and everything else goes: of the headers those that our client reads, of a
token's answer nothing. Loopback addresses get the names of the servers that they stand for.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

import httpx
import vcr  # type: ignore[import-untyped]
import yaml
from vcr.stubs.httpx_stubs import vcr_handle_request  # type: ignore[import-untyped]

from reconciler.transport.direct import DirectTransport
from reconciler.transport.parallel import Workers

FOLDER = Path(__file__).parents[2] / "cassettes"
MAX_BYTES = 300_000
"""Largest recording kept, in bytes."""

TOKEN = b'{"token": "recorded"}'
"""What every token server answers in a recording."""

_ASKED = frozenset({"if-none-match"})
_ANSWERED = frozenset(
    {
        "content-type",
        "date",
        "docker-content-digest",
        "docker-distribution-api-version",
        "etag",
        "link",
        "location",
        "oci-subject",
        "retry-after",
        "www-authenticate",
        "x-github-request-id",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    }
)
"""Headers that stay: what our client reads, and who answered."""

_MATCHED = ("method", "host", "path", "query")
_METADATA = "recorded"

Interaction: TypeAlias = tuple[Any, dict[str, Any]]
Rename: TypeAlias = Callable[[str], str]
"""Gives the addresses in a text their lasting names."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a recording comes from, as it says itself."""

    against: str
    repository: str
    at: datetime

    @classmethod
    def of(cls, path: Path) -> "Origin":
        """Read it from a recording."""
        told = yaml.safe_load(path.read_text())["metadata"][_METADATA]
        return cls(told["against"], told["repository"], datetime.fromisoformat(told["at"]))


@contextmanager
def recording(path: Path, origin: Origin, rename: Rename) -> Iterator[None]:
    """Record everything in the block.

    Raises: ValueError, when the recording is too large to be kept; it is removed then.
    """
    path.unlink(missing_ok=True)
    scrub = _scrubbing(rename)
    tape = vcr.VCR(
        record_mode="all",
        match_on=_MATCHED,
        filter_headers=["authorization", "cookie"],
        decode_compressed_response=True,
        before_save_interaction=scrub,
        record_on_exception=False,
    )
    told = {
        "against": origin.against,
        "repository": origin.repository,
        "at": origin.at.isoformat(),
    }
    with tape.use_cassette(str(path)) as cassette, _taped(cassette):
        cassette.get_metadata(_METADATA, told)
        yield
    if path.stat().st_size > MAX_BYTES:
        size = path.stat().st_size
        path.unlink()
        raise ValueError(f"{path.name}: {size} bytes; take a package with fewer versions")


@contextmanager
def playing(path: Path, *, repeats: bool) -> Iterator[Any]:
    """Answer from a recording in the block, and refuse what it does not hold.

    With `repeats` the first answer to a request is given again and again; without, answers come
    in their order and each but once, as in a story in which something changes.
    """
    tape = vcr.VCR(record_mode="none", match_on=_MATCHED)
    with tape.use_cassette(str(path), allow_playback_repeats=repeats) as cassette, _taped(cassette):
        yield cassette


@contextmanager
def _taped(cassette: Any) -> Iterator[None]:
    """Send requests through a cassette, one after the other, in the same order each time.

    The cassette intercepts the transports of httpx by itself, but not our own.
    """
    send = vcr_handle_request(cassette, DirectTransport.handle_request, httpx)
    with (
        patch.object(DirectTransport, "handle_request", send),
        patch.object(Workers, "gather", _in_order),
        patch("reconciler.providers.oci.registry.ThreadPoolExecutor", _single),
    ):
        yield


def _in_order(
    _: Workers, function: Callable[[Any], Any], keys: Iterable[Any], most: int = 1
) -> dict[Any, Any]:
    return {key: function(key) for key in dict.fromkeys(keys)}


def _single(_: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)


def _scrubbing(rename: Rename) -> Callable[[Any, dict[str, Any]], Interaction]:
    def scrub(request: Any, response: dict[str, Any]) -> Interaction:
        """Keep what is listed, under lasting names."""
        is_token = request.path.endswith("/token")
        request.uri = rename(request.uri)
        request.headers = {
            name: value for name, value in request.headers.items() if name.lower() in _ASKED
        }
        response["headers"] = {
            name: [rename(value) for value in values]
            for name, values in response["headers"].items()
            if name.lower() in _ANSWERED
        }
        body: bytes = response["body"]["string"]
        response["body"]["string"] = TOKEN if is_token else rename(body.decode()).encode()
        return request, response

    return scrub
