"""The environment variables of this program, by the prefix of their names."""

import os
from collections.abc import Iterable
from difflib import get_close_matches

from reconciler.errors import SettingsError

PREFIX = "RECONCILER_"

_ELSEWHERE = ("LOG_FORMAT", "QUIET")
"""Variables with our prefix that are read before the settings."""

_ALIKE = 0.7
"""How alike a misspelt variable is to the correct one, from 0 to 1. Source: difflib."""


def refuse_misspelt(fields: Iterable[str]) -> None:
    """Refuse a variable that is nearly that of a field: without it, another state would be used.

    Any other unknown variable is ignored. Kubernetes sets some of this prefix for a service that
    is called reconciler.

    Raises: SettingsError, with the correct name.
    """
    known = {*(field.upper() for field in fields), *_ELSEWHERE}
    for variable in os.environ:
        name = variable.removeprefix(PREFIX)
        if name == variable or name in known:
            continue
        if near := get_close_matches(name, known, n=1, cutoff=_ALIKE):
            raise SettingsError(
                f"{variable} is not a variable of this program",
                hint=f"Did you mean {PREFIX}{near[0]}? Rename or unset it.",
            )
