"""Declarative retention for container registries: policy in, plan, apply, log.

`plan`, `apply` and `load_policies` are the library; they are loaded when first asked for, so that
importing the package, as each command does, stays fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reconciler.version import __version__

if TYPE_CHECKING:
    from reconciler.api import apply, load_policies, plan

__all__ = ["__version__", "apply", "load_policies", "plan"]


def __getattr__(name: str) -> Any:
    """Load the library when one of its names is first asked for.

    Raises: AttributeError, for any other name.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("reconciler.api"), name)
