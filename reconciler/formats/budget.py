"""Keeping within a number of bytes by leaving out whole lines."""

from collections.abc import Callable, Iterator, Sequence


def octets(text: str) -> int:
    """Count the bytes of a text in UTF-8."""
    return len(text.encode())


def fitting(lines: Sequence[str], room: int, rest: Callable[[int], str]) -> Iterator[str]:
    """Yield the first lines that fit into `room` bytes; `rest` says how many there are besides."""
    for number, line in enumerate(lines):
        room -= octets(line)
        if room < 0:
            yield rest(len(lines) - number)
            return
        yield line
