"""One bounded pool of threads for many reads at once."""

from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def gather(
    function: Callable[[Key], Value], keys: Iterable[Key], *, workers: int
) -> dict[Key, Value]:
    """Call a function for every key, at most `workers` at once; map each key to its result.

    The first error ends it: calls that have not begun never do, and the error is raised.
    """
    wanted = list(dict.fromkeys(keys))
    if len(wanted) <= 1 or workers <= 1:
        return {key: function(key) for key in wanted}
    with ThreadPoolExecutor(min(workers, len(wanted))) as pool:
        futures = {key: pool.submit(function, key) for key in wanted}
        try:
            return {key: future.result() for key, future in futures.items()}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
