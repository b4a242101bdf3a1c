"""This machine's clock held against the registry's: ages are worth nothing if it is wrong."""

from datetime import datetime, timedelta

from reconciler.errors import EvidenceError
from reconciler.model.ports import RegistryReader

MAX_SKEW = timedelta(minutes=5)
"""How far the two clocks may be apart before no age is believed."""


def skew(reader: RegistryReader, now: datetime) -> str:
    """Compare `now` with the time the registry told with its last answer, if it told one.

    Returns: in words how far they are apart, empty where that is not too far.
    """
    told = reader.server_time()
    if told is None or abs(now - told) <= MAX_SKEW:
        return ""
    minutes = round(abs(now - told).total_seconds() / 60)
    way = "ahead of" if now > told else "behind"
    return f"this machine's clock is {minutes} minutes {way} the registry's"


def check_clock(reader: RegistryReader, now: datetime) -> None:
    """Hold the two clocks against each other.

    Raises: EvidenceError, when they are too far apart.
    """
    if words := skew(reader, now):
        raise EvidenceError(
            words,
            hint="Nothing was deleted: an age rule with a wrong clock deletes what is young."
            " Set the clock and run again.",
        )
