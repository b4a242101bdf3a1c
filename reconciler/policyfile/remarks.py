"""Remarks on policies at their places in the files, ready to be shown beside problems."""

from reconciler.core.linting.lint import lint
from reconciler.model.problems import Problem
from reconciler.policyfile.policyset import PolicySet


def remarks_on(policies: PolicySet) -> tuple[Problem, ...]:
    """Return what deserves a second look in policies that were accepted; it stops nothing."""
    return tuple(
        Problem(
            *policies.origins[remark.policy, remark.rule],
            where="/".join(name for name in (remark.policy, remark.rule) if name),
            message=remark.message,
        )
        for policy in policies.policies
        for remark in lint(policy)
    )
