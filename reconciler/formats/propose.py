"""Files that `init` writes: a policy, its test, and the workflow that uses both.

The YAML library writes every value. Control characters in comments are escaped.
"""

import json
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import chain
from pathlib import PurePath
from typing import Any, ClassVar

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from reconciler.analysis.propose import Proposal
from reconciler.analysis.propose_rules import Example, ProposedRule
from reconciler.formats.phrases import counted
from reconciler.model.base import safe
from reconciler.model.names import Name
from reconciler.version import COMMIT, SOURCE, __version__

_LISTED = 20
"""Most unknown tags that are listed."""

_RULES = "      "

WIDTH = 100
"""Longest line of a comment, in characters."""

_PLAIN = re.compile(r"[a-z][a-z_]+(?:-[a-z]+)*|[1-9][0-9]{0,4}[hdw]|date:[a-z]+|unmatched-tag")
"""Texts that are written without quotes; all others are quoted."""

WORKFLOW = ".github/workflows/retention.yml"
"""The path where GitHub reads workflows."""


def write_policy(proposal: Proposal) -> str:
    """Write the policy file."""
    document = proposal.document
    lines = [
        *comment(
            "A first policy, written by `reconciler init`. `reconciler plan` shows what it would"
            " delete and why; nothing is deleted until `reconciler apply`."
        ),
        *comment(_first_plan(proposal)),
        "version: 1",
        "policies:",
        f"  - name: {flow(document['name'])}",
        "    # Exact names or patterns: * does not match a slash, ** does.",
        f"    repositories: {flow(document['repositories'])}",
        "",
        "    # These are always kept, regardless of the rules.",
        "    protect:",
        *chain.from_iterable(_rule(rule, proposal) for rule in proposal.protect),
        "",
        "    # A rule says which of the images it covers to keep; the others expire.",
        "    # Keep always wins, and an image with a tag that no rule matches is kept.",
        "    rules:",
        *chain.from_iterable(_rule(rule, proposal) for rule in proposal.rules),
        "",
        "    # A plan that exceeds these limits is shown, but cannot be applied.",
        f"    guards: {flow(document['guards'])}",
    ]
    if unknown := proposal.unknown:
        tags = counted(len(unknown), "tag")
        lines += ["", *comment(f"Kept, because no rule matches them: {tags}.")]
        lines += chain.from_iterable(comment(f"  {tag}") for tag in unknown[:_LISTED])
        if (hidden := len(unknown) - _LISTED) > 0:
            lines += comment(f"  ... and {hidden:,} more; `reconciler plan` groups them")
    return "\n".join(lines) + "\n"


def write_test(proposal: Proposal, now: datetime) -> str:
    """Write the test of the policy, evaluated at a fixed time."""
    lines = [
        *comment(
            "What the policy must decide for images such as these. `reconciler test` checks it,"
            " without network access; a deletion that is not listed here fails the test."
        ),
        f"policy: {flow(proposal.subject.name)}",
        f"now: {now:%Y-%m-%dT%H:%M:%SZ}",
        "images:",
    ]
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in proposal.examples:
        groups[example.by].append(example)
    for by, examples in groups.items():
        lines.append(f"  # {by}")
        for example in examples:
            image: dict[str, object] = {
                "age": f"{example.age}d",
                "expect": example.expect,
                "by": str(example.by),
            }
            tags = {"tags": list(example.tags)} if example.tags else {}
            lines += entry({**tags, **image}, "  ")
    return "\n".join(lines) + "\n"


def _rule(rule: ProposedRule, proposal: Proposal) -> Iterator[str]:
    yield from comment(rule.reason, _RULES)
    families = proposal.subject.families.items()
    tags = {tag for family, images in families if family == rule.document["name"] for tag in images}
    images = [
        version
        for inventory in proposal.subject.inventories
        for version in inventory.versions.values()
        if not tags.isdisjoint(version.tags)
    ]
    # The images that a rule was written for let a reviewer judge its pattern and its ages.
    if images:
        times = sorted(version.pushed for version in images if version.pushed)
        ages = f", pushed {times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d}" if times else ""
        yield from comment(f"Found: {counted(len(images), 'image')}{ages}.", _RULES)
    yield from entry(rule.document, _RULES)


def _first_plan(proposal: Proposal) -> str:
    """Say what the first plan would do, and how to continue."""
    if not proposal.subject.inventories:
        return (
            "The registry could not be read, so this policy covers the usual tags. Compare it with"
            " your own tags: images with tags that no rule matches are kept, and plans list them."
        )
    to_delete = sum(plan.images_deleted for plan in proposal.plans)
    images = sum(plan.images for plan in proposal.plans)
    result = f"With this policy, {to_delete:,} of {counted(images, 'image')} would be deleted now."
    if proposal.is_safe:
        return result
    return (
        f"{result} Once, that is more than a guard allows: `reconciler plan --first --out"
        " plan.json` allows it for that plan alone."
    )


class ActionReference(Name):
    """An action and its version, as `uses` takes it: `owner/repository@ref`."""

    __slots__ = ()

    _kind: ClassVar[str] = "reference of an action such as acme/reconciler@v1"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(
        r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}(?:/[A-Za-z0-9._-]+){0,5}@[A-Za-z0-9._/-]{1,200}"
    )


def write_settings(policy: PurePath, state: str) -> str:
    """Write the settings file for a policy file and a state.

    Shape: JSON's strings are strings of TOML, too.
    """
    text = (
        "Where the policies are, and the state (log, locks, holds), for everybody who runs"
        " `reconciler` in this repository, on a laptop and in CI. Arguments and variables win."
    )
    policies = json.dumps([policies_of(policy)])
    return "\n".join([*comment(text), f"policies = {policies}", f"state = {json.dumps(state)}", ""])


def policies_of(policy: PurePath) -> str:
    """Return the directory of a policy file, or the file itself where it is in none."""
    return policy.parent.as_posix() if policy.parent.name else policy.name


def write_workflow(
    policy: PurePath, action: ActionReference, *, state_in_file: bool = False
) -> str:
    """Write the workflow for a policy file, or for its directory where it has one.

    With `state_in_file` the settings file names the state, else the workflow does.
    """
    paths = policies_of(policy)
    watched = f"{paths}/**" if policy.parent.name else paths
    released = action == f"{SOURCE}@{COMMIT}"
    return _template().render(
        action=f"{action}  # v{__version__}" if released else action,
        paths=flow(paths),
        watched=flow(watched),
        state_in_file=state_in_file,
    )


@cache
def _template() -> Template:
    """Load the template. Its delimiters differ from Jinja's, which GitHub's expressions use too.

    Nothing is escaped for HTML: every value is written as YAML before it is filled in.
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


class _Dumper(yaml.SafeDumper):
    """Writes texts in quotes unless they are plain words."""

    def ignore_aliases(self, _: Any) -> bool:
        """Write equal values in full each time, never as an alias."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if _PLAIN.fullmatch(text):
        return dumper.represent_str(str(text))
    # Between single quotes a backslash of a regular expression is not an escape.
    style = "'" if "\\" in text else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, _text)


def flow(value: object) -> str:
    """Write a value on one line, as in `{name: web, tags: ["1.4"]}`."""
    written: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        # Never broken: the caller decides where a line ends.
        width=float("inf"),
        sort_keys=False,
        allow_unicode=False,
    )
    return written.removesuffix("...\n").strip()


def entry(document: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Write an entry of a list: on one line where it fits, else a line for each key."""
    whole = f"{indent}- {flow(document)}"
    if len(whole) <= WIDTH:
        yield whole
        return
    for position, (key, value) in enumerate(document.items()):
        yield f"{indent}{'  ' if position else '- '}{key}: {flow(value)}"


def comment(text: str, indent: str = "") -> Iterator[str]:
    """Write a comment, broken into lines."""
    for line in textwrap.wrap(
        safe(text), WIDTH - len(indent) - 2, break_on_hyphens=False, break_long_words=False
    ):
        yield f"{indent}# {line}"
