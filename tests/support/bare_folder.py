"""A folder of policies that a branch has turned into a repository of git with its own settings.

Git, once started inside, reads `config` there: it names programs for whatever git may do. Each
writes what it finds in its environment into a file, so that a test can tell what was run.
"""

import os
import subprocess
from pathlib import Path

_PROGRAM = """\
#!/bin/sh
echo "$0 $*" >> "{ran}"
env >> "{ran}"
exit 1
"""
_CONFIG = """\
[core]
\trepositoryformatversion = 1
\tbare = false
\tworktree = .
\tfsmonitor = {program}
\thooksPath = {hooks}
\tsshCommand = {program}
\tpager = {program}
\teditor = {program}
\taskPass = {program}
\tgitProxy = {program}
\talternateRefsCommand = {program}
\tattributesFile = {attributes}
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = {url}
\tpromisor = true
\tuploadpack = {program}
\tpartialclonefilter = blob:none
[credential]
\thelper = {program}
[diff]
\texternal = {program}
[diff "own"]
\ttextconv = {program}
[filter "own"]
\tsmudge = {program}
\tclean = {program}
\tprocess = {program}
[gpg]
\tprogram = {program}
[protocol]
\tallow = always
[alias]
\trev-parse = !{program}
\tls-tree = !{program}
\tcat-file = !{program}
[uploadpack]
\tpackObjectsHook = {program}
"""


def turn_into_repository(folder: Path, clone: Path, commit: str, ran: Path) -> None:
    """Make a folder look like a bare repository that knows a commit of `clone`, but not its files.

    Git asked for the files of that commit would fetch them, by a program that `config` names.
    What its programs find is added to the file `ran`.
    """
    hooks = folder / "hooks"
    (folder / "objects").mkdir(parents=True)
    (folder / "refs" / "heads").mkdir(parents=True)
    hooks.mkdir()
    program = hooks / "program"
    for path in (program, hooks / "pre-auto-gc", hooks / "post-index-change"):
        path.write_text(_PROGRAM.format(ran=ran))
        path.chmod(0o755)
    attributes = folder / "attributes"
    attributes.write_text("* diff=own filter=own\n")
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text(
        _CONFIG.format(program=program, hooks=hooks, attributes=attributes, url=clone.as_uri())
    )
    document = _git(clone, "cat-file", "commit", commit)
    # Nothing is run by this: an object is written by name of its folder, with settings passed over.
    loose = {"GIT_DIR": str(folder), "GIT_OBJECT_DIRECTORY": str(folder / "objects")}
    config = folder / "config"
    kept = config.read_text()
    config.write_text("[core]\n\trepositoryformatversion = 0\n")
    _git(folder, "hash-object", "-w", "-t", "commit", "--stdin", given=document, more=loose)
    config.write_text(kept)
    (folder / "refs" / "heads" / "main").write_text(commit + "\n")


def _git(
    folder: Path, *arguments: str, given: bytes = b"", more: dict[str, str] | None = None
) -> bytes:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=given,
        check=True,
        capture_output=True,
        env={**os.environ, **(more or {})},
    )
    return done.stdout
