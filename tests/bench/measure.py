"""Measure work in a process of its own: time, processor, memory, and what it returned."""

import os
import resource
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

    Units: `wall` and `cpu` in seconds, with those of the commands it ran; `peak` in bytes, of the
    largest of these processes.
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
    began, worked = time.perf_counter(), _processor_seconds()
    value = function()
    wall, cpu = time.perf_counter() - began, _processor_seconds() - worked
    return Measured(value, wall, cpu, _peak())


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak() -> int:
    """Read the most memory that this process or a command it ran held.

    Source: proc(5), `VmHWM` in kB; getrusage(2), `ru_maxrss` in kB.
    """
    # For this process `getrusage` would give the parent's peak, where that was higher.
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    commands = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(int(line.split()[1]), commands) * 1024
