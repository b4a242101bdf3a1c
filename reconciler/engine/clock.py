"""This machine's clock held against the registry's: ages are worth nothing if it is wrong."""

from datetime import datetime, timedelta

from reconciler.errors import EvidenceError
from reconciler.model.ports import RegistryReader

MAX_SKEW = timedelta(minutes=5)
"""How far the two clocks may be apart before no age is believed."""


def check_clock(reader: RegistryReader, now: datetime) -> None:
    """Compare `now` with the time the registry told with its last answer, if it told one.

    Raises: EvidenceError, when they are too far apart.
    """
    told = reader.server_time()
    if told is None or abs(now - told) <= MAX_SKEW:
        return
    minutes = round(abs(now - told).total_seconds() / 60)
    raise EvidenceError(
        f"this machine's clock is {minutes} minutes {'ahead of' if now > told else 'behind'}"
        " the registry's",
        hint="Nothing was deleted: an age rule with a wrong clock deletes what is young."
        " Set the clock and run again.",
    )
