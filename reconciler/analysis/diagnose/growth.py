"""How a repository grew, and how it goes on: in ranges, and never from less than two weeks."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from reconciler.analysis.diagnose.finding import Amount, DiagnosedVersion
from reconciler.model.names import Digest

AHEAD = timedelta(days=90)
"""How far ahead a forecast is."""

LEAST = timedelta(days=14)
"""The shortest history that is forecast from: a rate of fewer days is that of a few builds."""

RECENT = timedelta(days=28)
"""The period of the rate that a forecast has in the middle."""

PERIODS = (LEAST, RECENT, timedelta(days=56), timedelta(days=91))
"""The periods whose rates a forecast lies between, as far as the history reaches."""

YEAR_OF_WEEKS = 52
"""How many weeks back the growth is reported."""

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Standing:
    """Of the versions that exist now, those that were pushed until a day: needed now, and not."""

    day: date
    needed: Amount
    unneeded: Amount


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected: with the rate of the last four weeks, the lowest and the highest rate."""

    middle: Amount
    low: Amount
    high: Amount


@dataclass(frozen=True, slots=True)
class Forecast:
    """Versions and bytes `AHEAD` from now, if pushes continue at the rates of the last weeks.

    Shape: `measured` is the longest period whose rate counts. `kept_now` and `kept_then` are what a
        policy keeps now and then; None without a policy.
    """

    now: Amount
    then: Estimate
    measured: timedelta
    kept_now: Amount | None = None
    kept_then: Estimate | None = None


@dataclass(frozen=True, slots=True)
class KeptShare:
    """The kept part of some versions, and of the bytes that they added: 0 to 1 each."""

    versions: float
    octets: float

    @classmethod
    def of(cls, kept: Amount, whole: Amount) -> "KeptShare":
        """Divide the kept amount by the whole; an empty whole has the share 0."""
        return cls(kept.versions / (whole.versions or 1), kept.octets / (whole.octets or 1))


_ALL = KeptShare(1.0, 1.0)


def standings(findings: Sequence[DiagnosedVersion], now: datetime) -> tuple[Standing, ...]:
    """Return what of today's versions existed at the end of each week of the last year.

    Shape: `YEAR_OF_WEEKS` + 1 of them, the last one of today; empty where no push time is known.
        A version of unknown time counts from the beginning.
    """
    if not any(finding.version.pushed for finding in findings):
        return ()
    moments = [now - number * _WEEK for number in range(YEAR_OF_WEEKS, -1, -1)]
    added = {needed: [Amount()] * len(moments) for needed in (True, False)}
    for finding in findings:
        pushed = finding.version.pushed or moments[0]
        # The first moment at which it existed; what a clock ahead of ours pushed exists now.
        weeks = max(0, (now - pushed) // _WEEK)
        place = max(0, len(moments) - 1 - weeks)
        added[finding.needed][place] += Amount(1, finding.added_bytes)
    rows: list[Standing] = []
    needed, unneeded = Amount(), Amount()
    for place, moment in enumerate(moments):
        needed += added[True][place]
        unneeded += added[False][place]
        rows.append(Standing(moment.date(), needed, unneeded))
    return tuple(rows)


def forecast(
    findings: Sequence[DiagnosedVersion], now: datetime, to_delete: Set[Digest] | None
) -> Forecast | None:
    """Forecast from the pushes of the last weeks; None with less than `LEAST` of known times.

    `to_delete` is what a policy would delete now. The rate of pushes is the same with and without
    a policy. Of future pushes, a policy is assumed to keep the share that it keeps of the older
    half of the history, so it never keeps more than there would be without it.
    """
    times = [finding.version.pushed for finding in findings if finding.version.pushed]
    history = now - min(times, default=now)
    if history < LEAST:
        return None
    periods = [period for period in PERIODS if period <= history]
    recent = min(history, RECENT)
    rates = [_pace(findings, now, period) for period in {*periods, recent}]
    middle, present = _pace(findings, now, recent), Amount.of(findings)
    measured = max(*periods, recent)
    then = _estimate(present, middle, rates, _ALL)
    if to_delete is None:
        return Forecast(present, then, measured)
    staying = Amount.of(f for f in findings if f.version.digest not in to_delete)
    old = _between(findings, now - history, now - history / 2)
    lasting = [finding for finding in old if finding.version.digest not in to_delete]
    share = KeptShare.of(Amount.of(lasting), Amount.of(old))
    kept = _estimate(staying, middle, rates, share)
    return Forecast(present, then, measured, staying, kept)


def _pace(findings: Sequence[DiagnosedVersion], now: datetime, period: timedelta) -> Amount:
    """Return what `AHEAD` adds at the rate of a period."""
    pushed = Amount.of(_between(findings, now - period, now))
    factor = AHEAD / period
    return Amount(round(pushed.versions * factor), round(pushed.octets * factor))


def _estimate(
    present: Amount, middle: Amount, rates: Iterable[Amount], share: KeptShare
) -> Estimate:
    """Add to what there is a share of what the rates add; versions and bytes on their own."""

    def after(versions: int, octets: int) -> Amount:
        return present + Amount(round(versions * share.versions), round(octets * share.octets))

    paces = list(rates)
    versions, octets = ([x.versions for x in paces], [x.octets for x in paces])
    return Estimate(
        after(middle.versions, middle.octets),
        after(min(versions), min(octets)),
        after(max(versions), max(octets)),
    )


def _between(
    findings: Iterable[DiagnosedVersion], start: datetime, end: datetime
) -> list[DiagnosedVersion]:
    pushed = ((finding.version.pushed, finding) for finding in findings)
    return [finding for when, finding in pushed if when and start <= when <= end]
