"""All that a command imports and loads before it begins, for the process that others fork from."""

from importlib import import_module

from reconciler.commands._overview import COMMANDS
from reconciler.transport import client
from tests.support import killed_cli

__all__ = ["killed_cli"]

for _name in COMMANDS.keys() - {"action"}:
    import_module(f"reconciler.commands.{_name}")

client._certificates()  # noqa: SLF001 - it is loaded once for a process, and takes long
