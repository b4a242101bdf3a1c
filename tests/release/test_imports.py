"""The server of the simulated registry is installed with everything, and loaded by it alone."""

import subprocess
import sys

SERVER = {"click", "starlette", "uvicorn"}
LOADED = """
import sys
from importlib import import_module
from pkgutil import walk_packages
import reconciler
from reconciler.__main__ import skip_httpx_command

skip_httpx_command()
for module in walk_packages(reconciler.__path__, "reconciler."):
    if not module.name.startswith("reconciler.sandbox"):
        import_module(module.name)
print(*sys.modules)
"""


def test_no_module_but_those_of_the_simulated_registry_loads_its_server() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=60
    )

    assert SERVER.isdisjoint(done.stdout.split())


def test_httpx_works_without_its_own_command_line() -> None:
    code = (
        "import sys\nfrom reconciler.__main__ import skip_httpx_command\nskip_httpx_command()\n"
        "import httpx\nprint(httpx.Request('GET', 'http://127.0.0.1/').method, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    method, *loaded = done.stdout.split()
    assert method == "GET"
    assert {"click", "rich.console", "pygments"}.isdisjoint(loaded)
