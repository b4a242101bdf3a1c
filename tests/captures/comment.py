"""The comment on a pull request that keeps fewer commits, and how GitHub shows it, roughly."""

import os
import re
import subprocess
from pathlib import Path
from unittest.mock import patch

from markdown_it import MarkdownIt

from reconciler.formats.comment import Posting, render
from reconciler.formats.view import View
from reconciler.model.comparison import read_difference
from reconciler.model.plan import DeletionPlan, read_plan
from tests.captures.scene import NOW, POLICY, piped

LINK = "https://github.com/acme/policies/actions/runs/4711"

_SIGNED = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "dev"), ("EMAIL", "dev@acme.example"), ("DATE", NOW.isoformat()))
}
_STYLE = """
body { margin: 24px; font: 14px/1.5 "DejaVu Sans", sans-serif; color: #1f2328; background: #fff; }
.comment { border: 1px solid #d0d7de; border-radius: 6px; }
.who { padding: 8px 16px; background: #f6f8fa; border-bottom: 1px solid #d0d7de; color: #57606a; }
.who b { color: #1f2328; }
.body { padding: 8px 16px 16px; }
h3 { font-size: 18px; margin: 12px 0; }
table { border-collapse: collapse; margin: 12px 0; }
th, td { border: 1px solid #d0d7de; padding: 5px 12px; }
code { font: 85% "DejaVu Sans Mono", monospace; background: #eff1f3; padding: 2px 5px;
  border-radius: 6px; }
blockquote { margin: 12px 0; padding: 0 16px; border-left: 4px solid #57606a; }
blockquote.warning, blockquote.caution { border-color: #9a6700; }
blockquote.caution { border-color: #cf222e; }
blockquote .kind { font-weight: 600; margin: 8px 0; }
details { margin: 8px 0; }
"""
_ALERT = re.compile(r"<blockquote>\n<p>\[!(\w+)\]</p>")


def comment(folder: Path) -> str:
    """Write the comment of a pull request that lets the policy keep fewer commits."""
    with patch.dict(os.environ, _SIGNED):
        policy = folder / "policies" / "web.yaml"
        policy.write_text(POLICY.replace("last: 20", "last: 50"))
        for arguments in ("init -q -b main", "add policies", "commit -q -m before"):
            subprocess.run(["git", *arguments.split()], cwd=folder, check=True)
        policy.write_text(POLICY)
        piped("plan --out plan.json --against main --against-json against.json")
    plan = read_plan((folder / "plan.json").read_bytes())
    assert isinstance(plan, DeletionPlan)
    difference = read_difference((folder / "against.json").read_bytes())
    return render(plan, View(now=NOW, against=difference), Posting(link=LINK))


def as_page(markdown: str) -> str:
    """Show a comment much as GitHub does: its tables, its coloured boxes, what unfolds."""
    body = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    told = _ALERT.sub(_coloured, body.render(markdown))
    return (
        f"<!DOCTYPE html><meta charset=utf-8><style>{_STYLE}</style><div class=comment>"
        "<div class=who><b>github-actions</b> bot commented</div>"
        f"<div class=body>{told}</div></div>"
    )


def _coloured(found: re.Match[str]) -> str:
    kind = found[1].lower()
    return f'<blockquote class="{kind}"><p class="kind">{kind.capitalize()}</p>'
