"""What a release needs: its name everywhere, its checks, its commit in the package, its notes.

    python -m tools.release own OWNER/NAME       once, when the repository becomes public
    python -m tools.release check TAG OWNER/NAME before anything is built
    python -m tools.release stamp COMMIT         in the checkout that is built, and never committed
    python -m tools.release notes COMMIT         for the page of the release

It uses the standard library only: the release workflow runs it before anything is installed.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.version import SOURCE, __version__

ROOT = Path(__file__).parents[1]
PLACEHOLDER = "OWNER/reconciler"
"""`SOURCE` as long as nobody owns the repository."""

CHECKED = (
    *("*.md", "*.yml", "*.yaml", "*.toml", "*.j2", "*.py"),
    *("Dockerfile", "*CODEOWNERS"),
)
"""Files that may name the public repository, by the ends of their names."""

NOT_OURS = ("tests/", "tools/", "stubs/", "docs/adr/")
"""Folders that nobody reads to install or call anything, and decisions, which stay as they are."""

_SLUG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LEFTOVER = re.compile(r"\bOWNER/reconciler\b|@OWNER\b|\bCOMMIT_SHA\b")
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^]]*)\]\((?!\w+:|#)(?P<target>[^)\s]+)\)")


class ReleaseError(Exception):
    """Why there can be no release."""


def named_files(root: Path) -> Iterator[Path]:
    """Yield the tracked files that may name the public repository.

    Raises: subprocess.CalledProcessError, outside of a clone.
    """
    listed = subprocess.run(  # noqa: S603 - constants only
        ["git", "-C", str(root), "ls-files", "-z", "--", *CHECKED],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith(NOT_OURS) and (root / name).is_file():
            yield root / name


def own(texts: Mapping[Path, str], slug: str, known: str = SOURCE) -> dict[Path, str]:
    """Return the texts that change when the public repository is `slug`, as they are then.

    The name of its image is in small letters, as registries want it.

    Raises: ReleaseError, when `slug` is not `owner/name`.
    """
    if not _SLUG.fullmatch(slug):
        raise ReleaseError(f"{slug} is not OWNER/NAME")
    # The owner alone is named by CODEOWNERS.
    owner = re.compile(rf"(?<=@){re.escape(known.partition('/')[0])}(?![\w/-])")
    name = re.compile(rf"(?<![\w.-])(ghcr\.io/)?{re.escape(known)}(?![\w-])")
    changed = {}
    for path, text in texts.items():
        named = name.sub(lambda at: f"{at[1]}{slug.lower()}" if at[1] else slug, text)
        if path.name == "CODEOWNERS":
            named = owner.sub(slug.partition("/")[0], named)
        if named != text:
            changed[path] = named
    return changed


def leftovers(texts: Mapping[Path, str]) -> list[str]:
    """Return the places that still name a placeholder, as `file:line: text`."""
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if _LEFTOVER.search(line)
    ]


def section(changelog: str, version: str) -> str:
    """Return what the changelog says of a version, without its heading.

    Raises: ReleaseError, when it has no dated section, or an empty one.
    """
    parts = re.split(r"^## \[([^]]+)\](.*)\n", changelog, flags=re.MULTILINE)
    for name, rest, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if name == version and re.fullmatch(r" - \d{4}-\d{2}-\d{2}", rest) and text.strip():
            # References of links stand at the end of the file.
            return re.sub(r"^\[[^]]+\]: .*\n?", "", text, flags=re.MULTILINE).strip() + "\n"
    raise ReleaseError(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD` with a text")


def check(texts: Mapping[Path, str], changelog: str, tag: str, slug: str) -> None:
    """Refuse a release whose tag, owner or changelog is wrong.

    Raises: ReleaseError.
    """
    if tag != f"v{__version__}":
        raise ReleaseError(f"the tag is {tag}, and reconciler/version.py says {__version__}")
    if slug.lower() != SOURCE.lower():
        raise ReleaseError(
            f"this is {slug}, and pages name {SOURCE}: run `python -m tools.release own {slug}`,"
            " and commit what it changes"
        )
    if places := leftovers(texts):
        raise ReleaseError("a placeholder would be published:\n" + "\n".join(places))
    section(changelog, __version__)


def absolute(page: str, slug: str, ref: str) -> str:
    """Return a page with links that work outside of the repository, as in the package index."""

    def link(found: re.Match[str]) -> str:
        base = (
            f"https://raw.githubusercontent.com/{slug}/{ref}"
            if found["image"]
            else f"https://github.com/{slug}/blob/{ref}"
        )
        return f"{found['image']}[{found['text']}]({base}/{found['target']})"

    return _LINK.sub(link, page)


def stamp(version_file: str, commit: str) -> str:
    """Return version.py with the commit of the release.

    Raises: ReleaseError, when it is no commit.
    """
    if not _COMMIT.fullmatch(commit):
        raise ReleaseError(f"{commit} is not a commit of 40 hexadecimal digits")
    return re.sub(r'^COMMIT = "\w*"$', f'COMMIT = "{commit}"', version_file, flags=re.MULTILINE)


def notes(changelog: str, commit: str, slug: str = SOURCE) -> str:
    """Return the notes of the release: how to pin it, then what changed."""
    image = f"ghcr.io/{slug.lower()}:{__version__}"
    return (
        f"```yaml\nuses: {slug}@{commit}  # v{__version__}\n```\n\n"
        f"`pip install registry-reconciler=={__version__}` or `docker pull {image}`;"
        f" `gh attestation verify FILE --repo {slug}` checks where a file or image was built.\n\n"
        + absolute(section(changelog, __version__), slug, f"v{__version__}")
    )


def _read(paths: Iterator[Path]) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in paths}


def _own(slug: str) -> None:
    changed = own(_read(named_files(ROOT)), slug)
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    sys.stdout.writelines(f"{path.relative_to(ROOT)}\n" for path in changed)


def _check(tag: str, slug: str) -> None:
    check(_read(named_files(ROOT)), _changelog(), tag, slug)


def _stamp(commit: str) -> None:
    version, readme = ROOT / "reconciler" / "version.py", ROOT / "README.md"
    version.write_text(stamp(version.read_text(encoding="utf-8"), commit), encoding="utf-8")
    page = absolute(readme.read_text(encoding="utf-8"), SOURCE, f"v{__version__}")
    readme.write_text(page, encoding="utf-8")


def _notes(commit: str) -> None:
    sys.stdout.write(notes(_changelog(), commit))


def _changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Run one command; return 1 if there can be no release, with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m tools.release")
    commands = parser.add_subparsers(dest="command", required=True)
    known: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
        "own": (_own, ("slug",)),
        "check": (_check, ("tag", "slug")),
        "stamp": (_stamp, ("commit",)),
        "notes": (_notes, ("commit",)),
    }
    for name, (_, names) in known.items():
        command = commands.add_parser(name)
        for argument in names:
            command.add_argument(argument)
    given = vars(parser.parse_args(arguments))
    run, names = known[given["command"]]
    try:
        run(*(given[name] for name in names))
    except ReleaseError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
