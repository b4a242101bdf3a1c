"""`reconciler report`: write all pages about repositories into a folder, to be published."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.commands._console import finish, running, save, view
from reconciler.commands._options import (
    MaxReads,
    StateDirectory,
    Verbose,
    YesReads,
    policy_paths,
)
from reconciler.errors import SettingsError, worst

if TYPE_CHECKING:
    from reconciler.analysis.diagnose.diagnose import DiagnosisResult
    from reconciler.analysis.health import HealthResult
    from reconciler.formats.site import SiteRepository
    from reconciler.model.names import Repository
    from reconciler.model.plan import DeletionPlan

app = typer.Typer(add_completion=False)

MARK = '<meta name="generator" content="reconciler">'
"""What every page of ours has: only such an index is written over."""


@app.command()
def report(
    repositories: Annotated[
        list[str] | None,
        typer.Argument(
            help="Repositories, or patterns of them. Default: those that the policies name.",
            metavar="REPOSITORY",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="The folder to write to.", metavar="FOLDER")
    ] = Path("site"),
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="Policy files. Default: as for plan.", metavar="PATHS"),
    ] = None,
    max_reads: MaxReads = 10_000,
    yes: YesReads = False,
    state: StateDirectory = None,
    verbose: Verbose = False,
) -> None:
    """Write pages about repositories into a folder: why versions exist, plan, storage, check, log.

    Deletes nothing. The folder gets an index and needs no server: open index.html, or publish it,
    for example on GitHub Pages. Pages of an earlier report are replaced.
    """
    from reconciler.formats.site import INDEX

    with running(verbose=verbose):
        _refuse_foreign(out / INDEX)
        paths = [path for path in policy_paths(policy) if policy or path.exists()]
        known = gather(repositories or [], paths, state, max_reads=max_reads, yes=yes)
        pages = write_site(out, known)
        typer.echo(f"{pages} pages: {out / INDEX}")
        finish(worst(each.diagnosed.exit_code for each in known))


def write_site(folder: Path, known: Sequence["SiteRepository"]) -> int:
    """Write all pages about repositories into a folder, and return how many there are.

    Raises: SettingsError, when one cannot be written.
    """
    from reconciler.formats.site import site
    from reconciler.session import utc_now

    pages = 0
    for name, text in site(known, view(utc_now())):
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            hint = "Name another folder."
            raise SettingsError(f"{path.parent}: {error.strerror}", hint=hint) from error
        save(path, [text.encode()])
        pages += 1
    return pages


def gather(
    patterns: Sequence[str],
    paths: list[Path],
    state: str | None,
    *,
    max_reads: int,
    yes: bool,
) -> list["SiteRepository"]:
    """Read repositories, and plan and check those that a policy governs.

    Raises: typer.BadParameter, when a pattern matches nothing; SettingsError, when there is
        neither a pattern nor a policy; PolicyError; the errors of `diagnose_all`.
    """
    from reconciler.commands._targets import repositories_named
    from reconciler.commands.diagnose import diagnose_all
    from reconciler.connect import open_registries
    from reconciler.formats.site import SiteRepository
    from reconciler.session import open_state, utc_now
    from reconciler.settings import Settings
    from reconciler.workflows.parse import read_workflows, workflow_files

    if not patterns and not paths:
        raise SettingsError(
            "neither a repository nor a policy is named",
            hint="Name repositories: reconciler report ghcr.io/OWNER/PACKAGE --out site",
        )
    with open_registries(Settings.load(), utc_now) as registries:
        wanted = repositories_named(registries, patterns, () if patterns else paths)
    workflows = read_workflows(workflow_files())
    results = diagnose_all(
        [*map(str, wanted)], paths or None, workflows, state=state, max_reads=max_reads, yes=yes
    )
    plans, checks = _governed(results, paths, state)
    states = open_state(state)
    return [
        SiteRepository.of(
            result,
            plans.get(result.repository),
            checks.get(result.repository),
            states.of(result.repository).records(),
        )
        for result in results
    ]


def _governed(
    results: Sequence["DiagnosisResult"], paths: list[Path], state: str | None
) -> tuple[dict["Repository", "DeletionPlan"], dict["Repository", "HealthResult"]]:
    """Plan and check the repositories that a policy governs, each with a plan of its own."""
    from reconciler.analysis.health import Thresholds
    from reconciler.commands.check import has_ended
    from reconciler.policyfile import load_policies
    from reconciler.session import open_session

    governing = load_policies(paths) if paths else None
    governed = [
        result.repository
        for result in results
        if governing and governing.policy_for(result.repository)
    ]
    if not governed:
        return {}, {}
    with open_session(paths, state, only=governed) as session:
        plan = session.plan(lasts=timedelta(days=1))
        plans = {part.repository: plan.with_parts([part]) for part in plan.repositories}
        checked = session.check(Thresholds(), has_ended)
    return plans, {result.repository: result for result in checked}


def _refuse_foreign(index: Path) -> None:
    """Refuse to replace an index that is not ours, such as that of a folder of documentation."""
    try:
        if MARK in index.read_text(encoding="utf-8", errors="replace"):
            return
    except OSError:
        return
    raise SettingsError(
        f"{index}: this page is not by reconciler, and is not overwritten",
        hint="Name another folder.",
    )
