"""Workflows as the documentation shows them, written out so that they can be checked and run."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"
PINNED = "OWNER/reconciler@" + "0" * 40

_BLOCK = re.compile(r"<!-- (?P<name>[\w-]+\.yml) -->\n```yaml\n(?P<text>.*?)```", re.DOTALL)


def workflows(folder: Path) -> dict[str, Path]:
    """Write the workflows of docs/github-actions.md to a folder; return them by their names.

    Where readers put the commit that they pin our action to, there is one of zeros.
    """
    page = (DOCS / "github-actions.md").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for block in _BLOCK.finditer(page):
        path = written[block["name"]] = folder / block["name"]
        path.write_text(block["text"].replace("OWNER/reconciler@COMMIT_SHA", PINNED))
    return written
