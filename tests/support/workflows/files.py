"""The files that a step hands results over in, read as GitHub reads them.

Source: GitHub Docs, "Workflow commands for GitHub Actions", environment files.
"""

from collections.abc import Mapping


def read_commands(text: str) -> Mapping[str, str]:
    """Read `name=value` lines and `name<<END ... END` blocks.

    Raises: AssertionError, for a line that is neither, on which GitHub fails the step.
    """
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, block, end = line.partition("<<")
        if block and "=" not in name:
            found[name] = "\n".join(iter(lambda: next(lines), end))
        else:
            name, sign, value = line.partition("=")
            assert sign, f"GitHub cannot read {line!r}"
            found[name] = value
    return found
