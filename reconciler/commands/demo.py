"""`reconciler demo`: diagnose, plan, apply and verify on a made-up package, on this machine."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reconciler.commands._console import (
    finish,
    print_applied,
    print_plan,
    running,
    view,
)
from reconciler.errors import ExitCode, SettingsError

if TYPE_CHECKING:
    from reconciler.analysis.diagnose.diagnose import DiagnosisResult
    from reconciler.model.names import Repository
    from reconciler.session import Session

app = typer.Typer(add_completion=False)

POINTS_PER_MINUTE = 60_000
"""Effectively unlimited: the sandbox of the demo has no rate limit."""

POLICY = r"""
version: 1
policies:
  - name: demo
    repositories: ["{repository}"]
    protect:
      - {{name: moving, match: {{tags: [latest, edge, main]}}}}
    rules:
      - {{name: releases, match: {{semver: ">=0"}}, keep: {{all: true}}}}
      - name: candidates
        match: {{regex: '\d+\.\d+\.\d+-(?:alpha|beta|rc)\.?\d+'}}
        keep: {{last: 2, within: 30d}}
      - name: previews
        match: {{tags: ["pr-*"]}}
        keep: {{within: 14d}}
      - {{name: commits, match: {{tags: ["sha-*"]}}, keep: {{within: 30d, last: 20}}}}
      - {{name: dangling, match: {{untagged: true}}, keep: {{within: 7d}}}}
    guards: {{max_delete: 500, max_delete_percent: 90}}
"""


@app.command()
def demo() -> None:
    """Diagnose, plan, apply and verify on a made-up package of about 1,000 versions.

    Needs no token and no network: a simulated GitHub runs on this machine until the demo ends. The
    pages about the package stay, in a folder for temporary files.
    """
    from reconciler.commands._progress import Activity
    from reconciler.commands.report import write_site
    from reconciler.engine.inspect import broken_images
    from reconciler.formats.log import render_runs, summaries
    from reconciler.formats.site import INDEX, SiteRepository
    from reconciler.session import utc_now

    with running(verbose=False), _demo_session() as (session, repository):
        _print_heading("1. Diagnose: why are there so many versions?")
        diagnosed = _diagnosed(session, repository)
        _print_heading("2. Plan: what the policy would delete")
        plan = session.plan(lasts=timedelta(hours=1))
        print_plan(plan, "text", view(utc_now()))
        _print_heading("3. Apply")
        with Activity(session.registries.watch, "Deleting", plan.summary.delete) as progress:
            done = session.apply(plan, allowed={}, halt=lambda: "", watching=(progress.report,))
        print_applied(done, view(utc_now()))
        _print_heading("4. Verify: can every kept image be pulled completely?")
        tagged, broken = broken_images(session.registries.reader(repository.registry), repository)
        typer.echo(f"{tagged} tagged images, {len(broken)} of them broken.")
        _print_heading("5. The log")
        records = session.state.of(repository).records()
        runs = summaries({repository: records})
        typer.echo(render_runs(runs, view(utc_now())), nl=False)
        _print_heading("6. Plan again")
        again = session.plan(lasts=timedelta(hours=1))
        print_plan(again, "text", view(utc_now()))
        pages = Path(tempfile.mkdtemp(prefix="reconciler-demo-pages-"))
        write_site(pages, [SiteRepository.of(diagnosed, plan, None, records)])
        typer.echo(
            "\nThe simulated registry and its log end here, so there is nothing to undo."
            f"\nAll of this as pages with charts, from before the deletion: {pages / INDEX}"
            "\n\nThe same for your own package, with nothing deleted:"
            "\n  reconciler diagnose ghcr.io/YOU/APP"
            "\n  reconciler init ghcr.io/YOU/APP"
        )
        # Planning again must delete nothing: the registry conforms to the policy after an apply.
        finish(ExitCode.INTERNAL if broken or again.summary.delete else ExitCode.OK)


def _diagnosed(session: "Session", repository: "Repository") -> "DiagnosisResult":
    """Diagnose the package, and print the answer and the causes."""
    from reconciler.engine.inspect import Examination
    from reconciler.engine.read_all import look_ahead
    from reconciler.formats.diagnosis import report
    from reconciler.formats.report_text import render_text
    from reconciler.session import utc_now

    reader = session.registries.reader(repository.registry)
    examination = Examination(
        session.state, utc_now, lambda _: session.policies.policy_for(repository)
    )
    result = examination.read(reader, look_ahead(reader, repository))
    whole = report([result])
    # The whole report has many tables, which the pages show.
    sections = [replace(part, tables=part.tables[:1], listing="") for part in whole.sections]
    typer.echo(render_text(replace(whole, sections=sections, next=""), view(utc_now())), nl=False)
    return result


@contextmanager
def _demo_session() -> Iterator[tuple["Session", "Repository"]]:
    """Start the simulated GitHub and open a session on it; both end with the `with` block."""
    from reconciler.connect import open_registries
    from reconciler.model.names import Repository
    from reconciler.policyfile import load_text
    from reconciler.sandbox.accounts import CLASSIC
    from reconciler.sandbox.generate import lifelike, stated_size
    from reconciler.sandbox.server import Sandbox
    from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
    from reconciler.session import Session, utc_now
    from reconciler.settings import RegistrySettings, Settings
    from reconciler.state.local import LocalState

    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:  # as in a container whose file system is read-only
        raise SettingsError(
            "the demo needs a folder for temporary files that it can write to",
            hint="Set TMPDIR to one; for a container, add `--tmpfs /tmp`.",
        ) from error
    package = lifelike(utc_now(), weigh=stated_size)
    served = Sandbox(SandboxSettings(limits=UNLIMITED), [package]).serve()
    with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder, served as sandbox:
        repository = Repository(f"{sandbox.host}/acme/web")
        settings = Settings(
            state=str(Path(folder, "state")),
            cache=Path(folder, "cache"),
            registries={
                sandbox.host: RegistrySettings(
                    kind="ghcr",
                    api=sandbox.url,
                    plain_http=True,
                    points_per_minute=POINTS_PER_MINUTE,
                )
            },
            GITHUB_TOKEN=CLASSIC.token,
        )
        policies = load_text("demo.yaml", POLICY.format(repository=repository).encode())
        # These settings override the environment: a demo must never use a real token.
        with open_registries(settings, utc_now) as registries:
            yield Session(policies, registries, LocalState(Path(settings.state))), repository


def _print_heading(heading: str) -> None:
    typer.secho(f"\n{heading}", bold=True)
