"""The plan for programs: the very bytes that `plan --out` saves."""

from reconciler.formats.view import View
from reconciler.model.plan import Plan


def render(plan: Plan, _: View) -> str:
    """Write a plan as canonical JSON, on one line."""
    return plan.to_bytes().decode()
