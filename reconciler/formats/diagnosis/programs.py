"""A diagnosis as JSON: every version, every cause, every week."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from reconciler.core.diagnosing.advice import ADVICE
from reconciler.core.diagnosing.diagnose import Diagnosis
from reconciler.core.diagnosing.examined import Examined
from reconciler.core.diagnosing.finding import CauseGroup, DiagnosedVersion
from reconciler.core.diagnosing.growth import Amount, Forecast, Week
from reconciler.core.diagnosing.suggestion import suggestion


def as_json(found: Sequence[Examined]) -> str:
    """Write what was found as one JSON document."""
    document = {"repositories": [_repository(one) for one in found]}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _repository(one: Examined) -> dict[str, Any]:
    found = _diagnosis(one.diagnosis) if one.diagnosis else {}
    return {
        "repository": one.repository,
        "error": str(one.error or ""),
        "hint": one.error.hint if one.error else "",
        "forecast": _forecast(one.forecast) if one.forecast else None,
        "policy": one.policy.name if one.policy else None,
        "workflows": asdict(one.counsel) if one.counsel else None,
        **found,
    }


def _diagnosis(told: Diagnosis) -> dict[str, Any]:
    return {
        "diagnosed_at": told.now.isoformat(),
        "versions": len(told.findings),
        "tagged": told.tagged,
        "needed": told.needed,
        "left": told.unneeded,
        "requests": told.inventory.evidence.requests,
        "causes": {group.cause: _group(group) for group in told.groups},
        "findings": [_finding(finding) for finding in told.findings],
        "weeks": [_week(week) for week in told.weeks],
        "suggestion": suggestion(told.inventory, (group.cause for group in told.groups)),
    }


def _group(group: CauseGroup) -> dict[str, Any]:
    advice = ADVICE[group.cause]
    span = [moment.isoformat() for moment in group.span] if group.span else None
    return {
        "count": group.count,
        "needed": group.needed,
        "proven": group.proven,
        "bytes": group.brings,
        "span": span,
        "means": advice.means,
        "why": advice.needed,
        "build": advice.build,
        "rule": advice.remedy,
    }


def _finding(finding: DiagnosedVersion) -> dict[str, Any]:
    version = finding.version
    return {
        "digest": version.digest,
        "tags": version.tags,
        "pushed": version.pushed.isoformat() if version.pushed else None,
        "nature": finding.nature,
        "cause": finding.cause,
        "confidence": finding.sign.confidence,
        "evidence": finding.sign.text,
        "relative": finding.sign.relative,
        "needed": finding.needed,
        "bytes": finding.brings,
    }


def _week(week: Week) -> dict[str, Any]:
    return {
        "start": week.start.isoformat(),
        "causes": {cause: _amount(amount) for cause, amount in week.amounts.items()},
    }


def _forecast(ahead: Forecast) -> dict[str, Any]:
    amounts = {"now": ahead.now, "then": ahead.then, "staying": ahead.staying, "kept": ahead.kept}
    return {name: _amount(amount) if amount else None for name, amount in amounts.items()}


def _amount(amount: Amount) -> dict[str, int]:
    return {"versions": amount.versions, "bytes": amount.octets}
