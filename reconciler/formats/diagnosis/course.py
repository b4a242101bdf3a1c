"""How a repository grows, and what that comes to."""

from collections.abc import Iterator

from reconciler.core.diagnosing.diagnose import Diagnosis
from reconciler.core.diagnosing.examined import Examined
from reconciler.core.diagnosing.growth import AHEAD, Amount
from reconciler.core.diagnosing.suggestion import NAME
from reconciler.formats.html.parts import Bar, Chart
from reconciler.formats.humanise import counted, size


def course(told: Diagnosis) -> Iterator[Chart]:
    """Draw versions and bytes by week."""
    if len(told.weeks) > 1:
        days = [(f"{week.start:%Y-%m-%d}", week.amount) for week in told.weeks]
        yield Chart("Versions by week", [Bar(day, amount.versions) for day, amount in days])
        weights = [Bar(day, amount.octets, size(amount.octets)) for day, amount in days]
        yield Chart("Bytes by week", weights)


def outlook(one: Examined) -> Iterator[str]:
    """Say what there will be if pushes go on as they do, without a policy and with one."""
    ahead = one.forecast
    if ahead is None:
        yield "This registry tells no push times, so nothing can be said of growth."
        return
    days = AHEAD.days
    yield (
        f"At the pace of the last {counted(ahead.measured.days, 'day')} there will be"
        f" {_amount(ahead.then)} in {days} days; now there are {_amount(ahead.now)}."
    )
    if one.policy and ahead.staying and ahead.kept:
        suggested = one.policy.name == NAME
        name = "the policy below" if suggested else f"policy {one.policy.name}"
        yield f"With {name} about {_amount(ahead.kept)} then; now {_amount(ahead.staying)}."


def _amount(amount: Amount) -> str:
    return f"{counted(amount.versions, 'version')} and {size(amount.octets)}"
