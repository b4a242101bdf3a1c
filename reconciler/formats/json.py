"""The plan for programs: the very bytes that `plan --out` saves."""

from reconciler.formats.view import View
from reconciler.model.plan import Plan


def render(plan: Plan, view: View) -> str:
    """Write a plan as canonical JSON, on one line; beside it, what other policies would change."""
    written = plan.to_bytes().decode()
    if view.against is None:
        return written
    against = view.against.to_bytes().decode()
    return f'{{"against":{against.rstrip()},"plan":{written.rstrip()}}}\n'
