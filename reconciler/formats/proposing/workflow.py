"""The workflow that plans in pull requests and applies on the main branch."""

import re
from functools import cache
from pathlib import PurePath
from typing import ClassVar

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from reconciler.formats.proposing.yamltext import flow
from reconciler.model.names import Name
from reconciler.version import __version__

UNKNOWN = "OWNER/reconciler@COMMIT_SHA"
"""What stands for the action until somebody says where it is taken from."""

WORKFLOW = ".github/workflows/retention.yml"
"""Where GitHub looks for it."""


class ActionReference(Name):
    """An action and its version, as `uses` takes it: `owner/repository@ref`."""

    __slots__ = ()

    _kind: ClassVar[str] = "reference of an action such as owner/reconciler@COMMIT_SHA"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(
        r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}(?:/[A-Za-z0-9._-]+){0,5}@[A-Za-z0-9._/-]{1,200}"
    )


def write_workflow(policy: PurePath, action: ActionReference) -> str:
    """Write the workflow for a policy file: for its folder, where it has one of its own."""
    folder = policy.parent.as_posix()
    paths, watched = (folder, f"{folder}/**") if policy.parent.name else (policy.name, policy.name)
    return _template().render(
        action=f"{action}  # v{__version__}" if action == UNKNOWN else action,
        action_unknown=action == UNKNOWN,
        paths=flow(paths),
        watched=flow(watched),
    )


@cache
def _template() -> Template:
    """Load the template; its signs differ from Jinja's own, which GitHub's would be taken for.

    Nothing is escaped for HTML: every value that is filled in was written as YAML before.
    """
    loaded = Environment(  # noqa: S701 - it writes YAML, not HTML
        loader=PackageLoader("reconciler", "formats/templates"),
        undefined=StrictUndefined,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="# [%",
        block_end_string="%]",
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return loaded.get_template("retention.yml.j2")
