"""Many calls at once, on a bounded number of threads."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

WORKERS = 10
"""Reads under way at once to one server."""

BATCH = 1000
"""Calls handed to the threads at once, so that a hundred thousand need no memory while queued."""


def gather(
    function: Callable[[Key], Value], keys: Iterable[Key], workers: int = WORKERS
) -> dict[Key, Value]:
    """Call a function for each key, once, in parallel; return the results in the keys' order.

    The first error ends it: what has not begun is not called any more, and the error is raised.
    """
    found: dict[Key, Value] = {}
    pool = ThreadPoolExecutor(workers)
    try:
        for batch in _batches(dict.fromkeys(keys)):
            futures = {key: pool.submit(function, key) for key in batch}
            done, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            found |= {key: future.result() for key, future in futures.items()}
    finally:
        pool.shutdown(cancel_futures=True)
    return found


def _batches(keys: Iterable[Key]) -> Iterator[list[Key]]:
    remaining = iter(keys)
    while batch := list(islice(remaining, BATCH)):
        yield batch
