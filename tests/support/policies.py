"""Policy files for tests: a good one, and what the loader says of others."""

from reconciler.model.problems import PolicyProblems
from reconciler.policyfile import load_text

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
