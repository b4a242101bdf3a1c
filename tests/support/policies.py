"""Policy files for tests: a good one, what the loader says of others, and tables of both."""

from pathlib import Path

from reconciler.model.language import PolicyProblems
from reconciler.policyfile import load_text

GOLDEN = Path(__file__).parents[1] / "golden"
GOOD = b"""\
version: 1
policies:
  - name: web
    repositories: ["ghcr.io/acme/web"]
    rules:
      - {name: builds, match: {tags: ["sha-*"]}, keep: {last: 20}}
"""


def problems_in(content: bytes, path: str = "policy.yaml") -> list[str]:
    """Return what is wrong with a file, a line for each problem; nothing when all is well."""
    try:
        load_text(path, content)
    except PolicyProblems as error:
        return str(error).split("\n")
    return []


def blocks(name: str) -> list[tuple[str, list[str]]]:
    """Return the blocks of a golden table: what is written, and the lines told about it."""
    text = (GOLDEN / name).read_text(encoding="utf-8")
    return [_block(block.strip("\n").split("\n")) for block in text.split("\n\n")[1:]]


def _block(lines: list[str]) -> tuple[str, list[str]]:
    told = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
    return "\n".join(line for line in lines if not line.startswith("> ")), told
