"""A tag that is put back on an old image makes it as fresh as a push: what runs note of tags."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.observations import updated_observations
from reconciler.model.inventory import Inventory, Observation, Observations
from reconciler.model.names import Tag
from tests.support.example_counts import THIRD
from tests.support.inventories import WEB, digest, image
from tests.support.time import NOON

TAGS = ("prod-8", "prod-9", "latest")
RUN = st.fixed_dictionaries({name: st.frozensets(st.sampled_from(TAGS)) for name in "ab"})
"""Which tags each of two images has when a run looks."""

HOUR = timedelta(hours=1)


@THIRD
@given(st.lists(RUN, min_size=1, max_size=6))
def test_a_version_has_its_tags_since_the_last_run_that_saw_one_arrive(
    runs: list[dict[str, frozenset[str]]],
) -> None:
    seen = Observations()
    since: dict[str, datetime | None] = {"a": None, "b": None}
    before: dict[str, frozenset[str]] = {"a": frozenset(), "b": frozenset()}

    for number, tags in enumerate(runs):
        now = NOON + number * HOUR
        held = Inventory.of(WEB, [image(name, *tags[name]) for name in tags])
        seen = updated_observations(seen, held, now=now)
        for name, here in tags.items():
            if here - before[name]:
                since[name] = now
            since[name] = since[name] if here else None
            assert seen.digests[digest(name)].tagged_since == since[name]
        before = tags


def test_observations_that_lack_the_time_of_the_tags_get_it_from_the_next_run() -> None:
    """Runs of older versions noted the tags and not since when: they may be new."""
    document = '{"digests":{"%s":{"first_seen":"2026-01-01T00:00:00Z","tags":["v1"]}}}'
    old = Observations.model_validate_json(document % digest("a"))

    seen = updated_observations(old, Inventory.of(WEB, [image("a", "v1")]), now=NOON)

    assert old.digests[digest("a")].tagged_since is None
    assert seen.digests[digest("a")].tagged_since == NOON


def test_a_tag_is_new_on_a_version_that_had_lost_it() -> None:
    noted = Observation(first_seen=NOON, untagged_since=NOON, tags=(Tag("v1"),))

    assert noted.arrived((Tag("v1"),)) == ("v1",)
    assert noted.arrived(()) == ()
