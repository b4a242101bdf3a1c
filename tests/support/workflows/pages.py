"""Workflows as the documentation shows them, written out so that they can be checked and run."""

import re
from pathlib import Path

from reconciler.version import SOURCE, __version__

DOCS = Path(__file__).parents[3] / "docs"
SHOWN = f"{SOURCE}@v{__version__.partition('.')[0]}"
"""How pages name our action: by the tag of the newest release of a major version."""

PINNED = f"{SOURCE}@{'0' * 40}"

_BLOCK = re.compile(r"<!-- (?P<name>[\w-]+\.yml) -->\n```yaml\n(?P<text>.*?)```", re.DOTALL)


def workflows(folder: Path) -> dict[str, Path]:
    """Write the workflows of docs/github-actions.md to a folder; return them by their names.

    Our action is pinned to a commit of zeros there, as readers pin it.
    """
    page = (DOCS / "github-actions.md").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for block in _BLOCK.finditer(page):
        path = written[block["name"]] = folder / block["name"]
        path.write_text(block["text"].replace(SHOWN, PINNED))
    return written
