"""How a repository grew and will grow: charts, sentences and a table of a diagnosis."""

from collections.abc import Iterator, Sequence
from math import ceil, floor, log10

from reconciler.analysis.diagnose.causes import PHRASES
from reconciler.analysis.diagnose.diagnose import Diagnosis, DiagnosisResult
from reconciler.analysis.diagnose.finding import Amount
from reconciler.analysis.diagnose.growth import AHEAD, LEAST, Estimate, Forecast
from reconciler.analysis.diagnose.remedies import NAME
from reconciler.formats.phrases import counted, size
from reconciler.formats.report import Cell, Column, Layer, Outlook, Table, TimeChart

_BLOCKS = "▁▂▃▄▅▆▇█"

DRAWN = 26
"""How many weeks a sparkline has."""

RECENT = 4
"""Over how many weeks an average is taken."""

_DIGITS = 3
"""Digits of an estimate; more would promise what no forecast knows."""

_ABOUT = "Versions that exist now, by the day of their push; what was deleted since is not counted."


def charts(result: DiagnosisResult) -> Iterator[TimeChart]:
    """Draw versions and bytes of the last year, needed and not needed, and both forecasts."""
    diagnosis = result.diagnosis
    if diagnosis is None or not diagnosis.standings:
        return
    rows = diagnosis.standings
    days = [row.day for row in rows]
    end = days[-1] + AHEAD
    yield TimeChart(
        "Versions over time",
        start=days[0],
        end=end,
        days=days,
        layers=(
            Layer("needed", [row.needed.versions for row in rows], "keep"),
            Layer("needed by nothing", [row.unneeded.versions for row in rows], "delete"),
        ),
        outlooks=[
            Outlook(
                label,
                now.versions,
                rounded(then.low.versions),
                rounded(then.high.versions),
                "keep" if kept else "",
            )
            for label, now, then, kept in _outlooks(result)
        ],
        about=_ABOUT,
    )
    yield TimeChart(
        "Bytes over time",
        start=days[0],
        end=end,
        days=days,
        layers=(
            Layer("needed", [row.needed.octets for row in rows], "keep"),
            Layer("needed by nothing", [row.unneeded.octets for row in rows], "delete"),
        ),
        outlooks=[
            Outlook(label, now.octets, then.low.octets, then.high.octets, "keep" if kept else "")
            for label, now, then, kept in _outlooks(result)
        ],
        unit="bytes",
        about=_ABOUT,
    )


def _outlooks(result: DiagnosisResult) -> Iterator[tuple[str, Amount, Estimate, bool]]:
    ahead = result.forecast
    if ahead is None:
        return
    yield "as it is", ahead.now, ahead.then, False
    if result.policy and ahead.kept_now and ahead.kept_then:
        yield f"with {_policy_name(result)}", ahead.kept_now, ahead.kept_then, True


def _policy_name(result: DiagnosisResult) -> str:
    name = result.policy.name if result.policy else NAME
    return "the policy below" if name == NAME else f"policy {name}"


def outlook(result: DiagnosisResult) -> Iterator[str]:
    """Say what the repository will contain if pushes continue, without a policy and with one."""
    ahead, diagnosis = result.forecast, result.diagnosis
    if ahead is None:
        if diagnosis and diagnosis.standings:
            yield (
                f"There is no forecast: the oldest push is less than {counted(LEAST.days, 'day')}"
                " ago."
            )
        else:
            yield "This registry does not report push times, so growth cannot be estimated."
        return
    yield (
        f"At the rates of the last {period(ahead)} there will be {estimated(ahead.then)} in"
        f" {AHEAD.days} days; now there are {amount(ahead.now)}."
    )
    if result.policy and ahead.kept_now and ahead.kept_then:
        yield (
            f"With {_policy_name(result)} there would be {estimated(ahead.kept_then)} then, and"
            f" {amount(ahead.kept_now)} now."
        )


def period(ahead: Forecast) -> str:
    """Name the period that a forecast is measured over."""
    weeks = ahead.measured.days // 7
    return f"{LEAST.days // 7} to {weeks} weeks" if weeks > LEAST.days // 7 else f"{weeks} weeks"


def amount(known: Amount) -> str:
    """Write a number of versions and their bytes."""
    return f"{counted(known.versions, 'version')} and {size(known.octets)}"


def estimated(estimate: Estimate) -> str:
    """Write an estimate as a range of versions and a range of bytes."""
    few, many = (rounded(bound.versions) for bound in (estimate.low, estimate.high))
    small, large = (size(bound.octets) for bound in (estimate.low, estimate.high))
    versions = (
        f"about {counted(few, 'version')}" if few == many else f"{few:,} to {many:,} versions"
    )
    return f"{versions} and {small if small == large else f'{small} to {large}'}"


def rounded(number: int) -> int:
    """Round an estimate to a few digits."""
    return round(number, _DIGITS - 1 - floor(log10(number))) if number >= 10**_DIGITS else number


def growth(diagnosis: Diagnosis) -> Table:
    """Show the weekly growth of each cause; no rows without push times."""
    drawn = min(DRAWN, len(diagnosis.weeks))
    columns = (
        Column("Cause"),
        Column("Per week", "number"),
        Column("Bytes per week", "number"),
        Column(f"Last {drawn} weeks"),
    )
    rows = []
    # Without push times there are no weeks, and an average over none is not defined.
    for cause in [group.cause for group in diagnosis.groups] if diagnosis.weeks else []:
        amounts = [week.amounts.get(cause, Amount()) for week in diagnosis.weeks]
        recent = sum(amounts[-RECENT:], Amount())
        # A repository that is younger is averaged over the weeks that it has.
        weeks = min(RECENT, len(amounts))
        rows.append(
            (
                Cell(PHRASES[cause]),
                Cell(f"{recent.versions / weeks:,.1f}", recent.versions / weeks),
                Cell(size(recent.octets // weeks), recent.octets / weeks),
                Cell(sparkline([amount.versions for amount in amounts[-DRAWN:]])),
            )
        )
    more = f"Averages of {RECENT} weeks, of versions that still exist. A dot is a week without any."
    return Table("Growth", columns, rows, more)


def sparkline(amounts: Sequence[float]) -> str:
    """Draw each amount as a block, relative to the largest; zero is a dot."""
    top = max(amounts, default=0)
    return "".join(
        _BLOCKS[ceil(amount / top * len(_BLOCKS)) - 1] if amount > 0 else "." for amount in amounts
    )
