"""Measure work in a process of its own: time, processor, memory, and what it returned."""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Generic, TypeVar

Value = TypeVar("Value")

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measured(Generic[Value]):
    """What a function returned, and what it took.

    Units: `wall` and `cpu` in seconds; `peak` in bytes, the interpreter included.
    """

    value: Value
    wall: float
    cpu: float
    peak: int


def alone(function: Callable[[], Value]) -> Measured[Value]:
    """Run a function in a fresh process, which inherits neither memory nor open connections.

    Shape: the function, and what it returns, can be pickled.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, function).result()


def _measured(function: Callable[[], Value]) -> Measured[Value]:
    began, worked = time.perf_counter(), time.process_time()
    value = function()
    wall, cpu = time.perf_counter() - began, time.process_time() - worked
    return Measured(value, wall, cpu, _peak())


def _peak() -> int:
    """Read the most memory that this process held. Source: proc(5), `VmHWM` in kB."""
    # `getrusage` would tell the parent's peak, where that was higher.
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
