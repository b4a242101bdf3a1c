"""The environment variables of this program, by the prefix of their names."""

import os
from collections.abc import Iterable
from difflib import get_close_matches

from pydantic import SecretStr

from reconciler.errors import SettingsError, did_you_mean

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
                hint=f"{did_you_mean([f'{PREFIX}{near[0]}'])} Rename or unset it.",
            )


def is_word(text: str) -> bool:
    """Whether a text is printable ASCII without spaces, so that a header or URL can hold it."""
    return text.isascii() and text.isprintable() and " " not in text


def header_value(token: SecretStr) -> SecretStr:
    """Accept what a header can contain; surrounding white space is removed."""
    text = token.get_secret_value().strip()
    # A line break would end the header, and let the rest of the token add others.
    if not is_word(text):
        raise ValueError("the token contains a space or a character that no token has")
    return SecretStr(text)


def token_in(variable: str) -> SecretStr | None:
    """Return the token in a variable, None if it is not set."""
    text = os.environ.get(variable, "").strip()
    try:
        return header_value(SecretStr(text)) if text else None
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}", hint=f"Correct {variable}.") from None
