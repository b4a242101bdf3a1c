"""The text of `reconciler --help`, written without the library that reads command lines."""

import textwrap

SUMMARY = "Declarative retention for container registries: policy in, plan, apply, log."

OPTIONS = {
    "--version": "Show the version.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": (
        "Show completion for the current shell, to copy it or customize the installation."
    ),
    "--help": "Show this message and exit. Also -h, and after every command.",
}
"""Each option that belongs to no command."""

GROUPS = {
    "Start": {
        "demo": "Diagnose, plan, apply and verify on a made-up package, on this machine only.",
        "diagnose": "Explain why versions exist, what needs them, and which builds create more.",
        "init": "Write a first policy, its test, and the workflow that uses them.",
    },
    "Delete by a policy": {
        "plan": "Show what `apply` would delete, and why. Deletes nothing.",
        "show": "Show a saved plan. Contacts nothing.",
        "apply": "Delete what a plan lists, after checking it again, with a log.",
        "undo": "Restore what a run deleted, and hold it until it is released.",
    },
    "Write policies": {
        "validate": "Check policy files and their tests. Contacts nothing.",
        "test": "Run the tests of policies. Contacts nothing.",
        "schema": "Print a JSON Schema: of policies, tests, plans or JSON output.",
    },
    "Ask": {
        "explain": "Explain what a version is, what keeps it, and when it expires.",
        "usage": "Show how much storage repositories use, and what a plan would free.",
        "report": "Write pages about repositories into a folder, to be published.",
        "verify": "Check that every tagged image can be pulled completely.",
        "check": "Check for overdue images, interrupted runs, stale locks and broken images.",
        "log": "List runs, show what they did, explain deletions, verify the journal.",
    },
    "State": {
        "state": "Initialize, check, migrate and export the state.",
        "lock": "Show who holds locks; break the lock of a run that hangs.",
    },
    "Rehearse": {
        "snapshot": "Copy repositories into a file that `sandbox` serves, to rehearse on.",
        "sandbox": "Serve a simulated GitHub Packages and ghcr.io, to rehearse on.",
    },
    "In a workflow": {
        "comment": "Show a saved plan in one comment on a pull request.",
        "action": "Run as a step of a GitHub workflow; action.yml calls it.",
    },
}
"""Commands by what they are for, with one line each; the module in `commands` has its name."""

COMMANDS = {name: text for group in GROUPS.values() for name, text in group.items()}

EXAMPLES = {
    "reconciler diagnose ghcr.io/acme/web": "why are there so many versions?",
    "reconciler init ghcr.io/acme/web": "write a first policy",
    "reconciler plan --out plan.json": "what would it delete? saved for apply",
    "reconciler apply plan.json": "delete that, after a question",
    "reconciler undo --last": "restore what the last run deleted",
    "reconciler log list": "what did the runs do?",
}

EXIT_CODES = {
    "0": "done",
    "1": "unexpected error, or a failed check of `test`",
    "2": "`plan --detailed-exitcode`: something would be deleted; `check`, `verify`: findings",
    "3": "a guard stopped the plan",
    "4": "the saved plan cannot be applied",
    "5": "another run holds the lock",
    "6": "something could not be read completely, so nothing was deleted there",
    "7": "stopped before the end; run again to continue",
    "8": "the state is broken or cannot be written",
    "64": "the command line is wrong",
    "77": "the registry rejects the credentials",
    "78": "a policy, a setting or a name is wrong",
    "130": "interrupted",
}
"""What each exit code means."""

VARIABLES = {
    "GITHUB_TOKEN, GH_TOKEN": "the token for ghcr.io; other registries use `docker login`",
    "RECONCILER_STATE": "where the log and the locks are, as for --state",
    "RECONCILER_REGISTRIES": "JSON: hosts of other GitHub servers, and hosts without TLS",
    "RECONCILER_CACHE": "the folder of the cache of manifests",
    "RECONCILER_LOG_FORMAT": "text or json, as for --log-format",
    "HTTPS_PROXY, NO_PROXY": "the proxy, and hosts without it",
    "SSL_CERT_FILE": "the certificates of a private authority",
    "NO_COLOR, FORCE_COLOR": "never or always use colours",
}
"""The environment variables that users set."""

MORE = "Each command explains itself: reconciler COMMAND --help"


def overview(width: int) -> str:
    """Write the help of the program. Units: `width` in columns."""
    summary = textwrap.fill(SUMMARY, width, initial_indent="  ", subsequent_indent="  ")
    column = max(map(len, COMMANDS))
    parts = {title: _rows(commands, width, column) for title, commands in GROUPS.items()}
    parts |= {
        "Options": _rows(OPTIONS, width),
        "Examples": _rows(EXAMPLES, width),
        "Environment variables": _rows(VARIABLES, width),
        "Exit codes": _rows(EXIT_CODES, width),
    }
    sections = "\n".join(f"{title}:\n{rows}" for title, rows in parts.items())
    return f"Usage: reconciler [OPTIONS] COMMAND [ARGS]...\n\n{summary}\n\n{sections}\n{MORE}\n"


def _rows(texts: dict[str, str], width: int, column: int = 0) -> str:
    """Write names in one column of at least `column` characters, and texts in another."""
    first = max(column, *map(len, texts)) + 2
    indent = " " * (first + 2)
    lines = []
    for name, text in texts.items():
        start, *more = textwrap.wrap(text, max(width - len(indent), 20), break_on_hyphens=False)
        lines += [f"  {name:<{first}}{start}", *(indent + line for line in more)]
    return "".join(f"{line}\n" for line in lines)
