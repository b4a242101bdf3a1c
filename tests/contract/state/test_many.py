"""Long journals and many observations: read back whole, in bearable time and room."""

import time
import zlib
from datetime import timedelta
from hashlib import sha256

from reconciler.model.base import canonical
from reconciler.model.inventory import Observation, Observations
from reconciler.model.names import Digest, Tag
from reconciler.model.ports import State
from tests.support.states import NOON, WEB, holder, intent, outcome

SECONDS = 20
"""Longest that reading 10,000 records may take on a busy machine, in seconds."""


def test_ten_thousand_records_are_read_back(state: State) -> None:
    web = state.of(WEB)
    with web.lock(holder()):
        for batch in range(100):
            numbers = range(batch * 50, batch * 50 + 50)
            web.append("run-1", NOON, [entry(n) for n in numbers for entry in (intent, outcome)])

    started = time.monotonic()
    records = state.of(WEB).records()

    assert time.monotonic() - started < SECONDS
    assert [record.seq for record in records] == list(range(1, 10_001))


def test_observations_of_a_hundred_thousand_digests_stay_small() -> None:
    digests = {
        Digest(f"sha256:{sha256(b'%d' % n).hexdigest()}"): Observation(
            first_seen=NOON - timedelta(seconds=n),
            untagged_since=NOON - timedelta(seconds=n // 2) if n % 3 else None,
            tags=(Tag(f"sha-{n:07x}"), Tag(f"pr-{n % 4000}")),
        )
        for n in range(100_000)
    }

    document = Observations(digests=digests).model_dump(mode="json", exclude_defaults=True)

    assert len(zlib.compress(canonical(document))) < 10_000_000
