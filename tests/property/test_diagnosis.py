"""Whatever a repository holds, each version has one cause, and nothing needed counts as left."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.analysis.diagnose.causes import VersionCause
from reconciler.analysis.diagnose.diagnose import diagnose
from reconciler.analysis.diagnose.growth import Forecast, forecast
from reconciler.analysis.diagnose.remedies import suggestion
from reconciler.analysis.usage import BlobIndex
from reconciler.model.inventory import Inventory, Observations
from reconciler.policyfile import load_text
from tests.property.naive import links, reach
from tests.support.example_counts import THIRD
from tests.support.strategies import inventories, observations
from tests.support.time import NOON


@given(st.data())
@THIRD
def test_each_version_has_one_cause_and_is_needed_if_a_tag_leads_to_it(data: st.DataObject) -> None:
    held = data.draw(inventories())

    diagnosis = diagnose(held, data.draw(observations(held)), now=NOON)

    tagged = [d for d, one in held.versions.items() if any(not t.subject for t in one.tags)]
    needed = {one.version.digest for one in diagnosis.findings if one.needed}
    assert [one.version.digest for one in diagnosis.findings] == list(held.versions)
    assert needed == reach(links(held), tagged)
    assert sum(group.count for group in diagnosis.groups) == len(held.versions)


@given(inventories())
@THIRD
def test_the_bytes_of_all_causes_are_those_of_the_repository(held: Inventory) -> None:
    diagnosis = diagnose(held, Observations(), now=NOON)

    blobs = BlobIndex(held)
    assert sum(group.added_bytes for group in diagnosis.groups) == blobs.total_size(blobs.sizes)


@given(inventories())
@THIRD
def test_what_is_suggested_is_a_valid_policy_whatever_was_found(held: Inventory) -> None:
    text = suggestion(held, VersionCause)

    assert load_text("suggested.yaml", text.encode()).policy_for(held.repository)


@given(st.data())
@THIRD
def test_no_policy_is_forecast_to_keep_more_than_there_would_be_without_it(
    data: st.DataObject,
) -> None:
    held = data.draw(inventories())
    doomed = data.draw(st.sets(st.sampled_from(list(held.versions)))) if held.versions else set()
    later = data.draw(st.timedeltas(timedelta(0), timedelta(days=2_000)))
    findings = diagnose(held, Observations(), now=NOON).findings

    ahead = forecast(findings, NOON + later, doomed)

    if ahead is not None:
        assert ahead.kept_now
        assert ahead.kept_then
        assert ahead == _with(ahead, forecast(findings, NOON + later, None))
        for one in ("versions", "octets"):
            for bound in ("low", "middle", "high"):
                kept, there = (getattr(part, bound) for part in (ahead.kept_then, ahead.then))
                bounds = [getattr(part, one) for part in (ahead.kept_now, kept, there)]
                assert bounds == sorted(bounds)
            then = (ahead.then.low, ahead.then.middle, ahead.then.high)
            amounts = [getattr(part, one) for part in then]
            assert amounts == sorted(amounts)


def _with(ahead: Forecast, without: Forecast | None) -> Forecast | None:
    """Add to a forecast without a policy what another one says of a policy."""
    return without and replace(without, kept_now=ahead.kept_now, kept_then=ahead.kept_then)
