"""Amounts that follow one another, drawn in one line of text."""

from collections.abc import Sequence
from math import ceil

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(amounts: Sequence[float]) -> str:
    """Draw each amount as high as it is beside the largest; nothing at all is a dot."""
    top = max(amounts, default=0)
    return "".join(_block(amount, top) for amount in amounts)


def _block(amount: float, top: float) -> str:
    if amount <= 0:
        return "."
    return _BLOCKS[ceil(amount / top * len(_BLOCKS)) - 1]
