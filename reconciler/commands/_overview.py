"""The text of `reconciler --help`, written without the library that reads command lines."""

import textwrap

SUMMARY = "Declarative retention for container registries: policy in, plan, apply, log."

OPTIONS = {
    "--version": "Show the version.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": (
        "Show completion for the current shell, to copy it or customize the installation."
    ),
    "--help": "Show this message and exit.",
}
"""Each option that belongs to no command."""

COMMANDS = {
    "init": "Write a first policy, its test, and the workflow that uses them.",
    "plan": "Show what `apply` would delete, and why. Deletes nothing.",
    "apply": "Delete what a plan lists, after checking it again, with a log.",
    "show": "Show a saved plan. Contacts nothing.",
    "validate": "Check policy files. Contacts nothing.",
    "test": "Run the tests of policies. Contacts nothing.",
    "explain": "Explain what a version is, what keeps it, and when it expires.",
    "check": "Check for overdue images, interrupted runs, stale locks and broken images.",
    "usage": "Show how much storage repositories use, and what a plan would free.",
    "verify": "Check that every tagged image can be pulled completely.",
    "diagnose": "Explain why versions exist, what needs them, and which builds create more.",
    "schema": "Print the JSON Schema of policy files, for editors.",
    "undo": "Restore what a run deleted, and hold it until it is released.",
    "log": "List runs, show what they did, explain deletions, verify the journal.",
    "lock": "Show who holds locks; break the lock of a run that hangs.",
    "state": "Initialize, check, migrate and export the state.",
    "demo": "Run plan, apply and verify on a made-up package, on this machine only.",
    "comment": "Show a saved plan in one comment on a pull request.",
    "action": "Run as a step of a GitHub workflow; action.yml calls it.",
    "snapshot": "Copy repositories into a file that `sandbox` serves, to rehearse on.",
    "sandbox": "Serve a simulated GitHub Packages and ghcr.io, to rehearse on.",
}
"""Each command and its one line in `--help`; its module in `commands` has the same name."""


def overview(width: int) -> str:
    """Write the help of the program. Units: `width` in columns."""
    summary = textwrap.fill(SUMMARY, width, initial_indent="  ", subsequent_indent="  ")
    return (
        "Usage: reconciler [OPTIONS] COMMAND [ARGS]...\n\n"
        f"{summary}\n\n"
        f"Options:\n{_rows(OPTIONS, width)}\n"
        f"Commands:\n{_rows(COMMANDS, width)}"
    )


def _rows(texts: dict[str, str], width: int) -> str:
    """Write names in one column, and texts in another."""
    first = max(map(len, texts)) + 2
    indent = " " * (first + 2)
    lines = []
    for name, text in texts.items():
        start, *more = textwrap.wrap(text, width - len(indent))
        lines += [f"  {name:<{first}}{start}", *(indent + line for line in more)]
    return "".join(f"{line}\n" for line in lines)
