"""Ask before a plan is applied, and print first what a saved plan will do."""

import sys

import typer

from reconciler.commands._console import ask, view
from reconciler.formats.approval import Question, render
from reconciler.formats.phrases import counted
from reconciler.model.plan import DeletionPlan, RepositoryPlan
from reconciler.session import Session


def ask_about(plan: DeletionPlan, session: Session, *, saved: bool, yes: bool) -> None:
    """Ask for confirmation of what a plan deletes in the repositories of a session.

    A plan that was made by this command is printed already.

    Raises: UsageError, when there is no terminal to ask on; typer.Exit, when it is refused.
    """
    parts = [
        part
        for part in plan.repositories
        if part.changes and (not session.only or part.repository in session.only)
    ]
    if not parts:
        return
    if saved and not yes and sys.stdin.isatty():
        questions = []
        for part in parts:
            # What the state says and the registry can do; the registry itself is not read.
            records = session.state.of(part.repository).records()
            known = next((at for at, each in enumerate(records, 1) if each.hash == part.state), 0)
            reader = session.registries.reader(part.repository.registry)
            questions.append(Question(part, records[known:], reader.capabilities.undo_for))
        typer.echo(render(plan, questions, view(session.clock())), nl=False, err=True)
    ask(f"Delete {_counts(parts)}?", yes=yes, refused="Nothing was deleted.")


def _counts(parts: list[RepositoryPlan]) -> str:
    """Count what is deleted, and how many deletions cannot be undone."""
    versions = sum(len(part.changes) for part in parts)
    images = sum(part.images_deleted for part in parts)
    # Whether a deletion can be undone decides what a user risks with this answer.
    final = sum(len(part.changes) for part in parts if not part.undo)
    undo = f", {counted(final, 'version')} without undo" if final else ""
    return f"{counted(versions, 'version')} ({counted(images, 'image')}){undo}"
