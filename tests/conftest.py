"""What holds for every test: no network, no home, no silent skip in CI."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests.support.loopback import forbid_network
from tests.support.programs import IN_CI, to_install

pytest_plugins = ["tests.support.servers", "tests.support.skips"]

forbid_network()

# Programs that tests start are compiled once and not by each of hundreds of processes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile("dev", max_examples=100, deadline=None)
settings.register_profile("ci", max_examples=1000, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=50_000, deadline=None)
settings.load_profile("ci" if IN_CI else "dev")

_OURS = ("RECONCILER_", "GITHUB_", "GH_")
_SLOW = ("property", "actions", "fault")  # folders whose tests take seconds each
_FOREIGN = ("http_proxy", "https_proxy", "all_proxy", "no_color", "force_color", "columns")


def pytest_report_header() -> list[str]:
    """Print what the tests will install on this machine, before the first one runs."""
    return to_install()


def pytest_xdist_auto_num_workers() -> int:
    """Start two workers for each processor: a test that runs a program waits most of its time."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin the share of each worker with slow tests, so that no worker ends alone with one.

    `--dist=worksteal` cuts the list into as many shares of equal size as there are workers.
    """
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    slow: dict[Path, list[pytest.Item]] = {}
    quick = []
    for item in items:
        if item.path.relative_to(Path(__file__).parent).parts[0] in _SLOW:
            slow.setdefault(item.path, []).append(item)  # a module's fixtures are started once
        else:
            quick.append(item)
    size = -(-len(items) // workers)
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        for module in list(slow)[worker::workers]:
            ordered += slow[module]
        room = max(0, size * (worker + 1) - len(ordered))
        ordered += quick[:room]
        del quick[:room]
    items[:] = [*ordered, *quick]


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[None]:
    """Forget after each test where a command line sent its log: that stream is closed by then."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home of its own, so that none reads a developer's files or tokens."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith(_OURS) or name.lower() in _FOREIGN]:
        monkeypatch.delenv(name)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(home / ".docker"))
    monkeypatch.setenv("HOME", str(home))
    return home
