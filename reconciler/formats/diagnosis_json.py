"""A diagnosis as JSON: versions, causes, weeks, and the workflows that push them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from reconciler.analysis.diagnose.causes import ADVICE
from reconciler.analysis.diagnose.diagnose import Diagnosis, DiagnosisResult
from reconciler.analysis.diagnose.finding import (
    Amount,
    CauseGroup,
    DiagnosedVersion,
)
from reconciler.analysis.diagnose.growth import Estimate
from reconciler.analysis.diagnose.remedies import WorkflowAdvice, suggestion


def as_json(results: Sequence[DiagnosisResult]) -> str:
    """Write the results as one JSON document."""
    repositories = []
    for result in results:
        ahead = result.forecast
        forecast = ahead and {
            "now": _amount(ahead.now),
            **_estimate("then", ahead.then),
            "staying": _amount(ahead.kept_now),
            **_estimate("kept", ahead.kept_then),
            "measured_days": ahead.measured.days,
        }
        repositories.append(
            {
                "repository": result.repository,
                "error": str(result.error or ""),
                "hint": result.error.hint if result.error else "",
                "forecast": forecast,
                "policy": result.policy.name if result.policy else None,
                "workflows": _workflows(result.workflow_advice) if result.workflow_advice else None,
                **(_diagnosis(result.diagnosis) if result.diagnosis else {}),
            }
        )
    document = {"repositories": repositories}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _estimate(name: str, estimate: Estimate | None) -> dict[str, Any]:
    """Write an estimate as three amounts; the one in the middle has the first name."""
    known = (estimate.middle, estimate.low, estimate.high) if estimate else (None, None, None)
    names = (name, f"{name}_low", f"{name}_high")
    return {key: _amount(amount) for key, amount in zip(names, known, strict=True)}


def _workflows(advice: WorkflowAdvice) -> dict[str, Any]:
    return {
        "attributions": [asdict(attribution) for attribution in advice.attributions],
        # The keys are part of the format: programs read them, so they keep their first names.
        "proposals": [
            {
                "place": change.place,
                "words": change.text,
                "patch": change.patch,
                "left": change.unneeded,
                "needed": change.needed,
                "avoids": not change.names,
            }
            for change in advice.proposals
        ],
        "unread": list(advice.unread),
    }


def _diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "diagnosed_at": diagnosis.now.isoformat(),
        "versions": len(diagnosis.findings),
        "tagged": diagnosis.tagged,
        "needed": diagnosis.needed,
        "left": diagnosis.unneeded,
        "unneeded_bytes": diagnosis.unneeded_bytes,
        "requests": diagnosis.inventory.evidence.requests,
        "causes": {group.cause: _group(group) for group in diagnosis.groups},
        "findings": [_finding(finding) for finding in diagnosis.findings],
        "weeks": [
            {
                "start": week.start.isoformat(),
                "causes": {cause: _amount(amount) for cause, amount in week.amounts.items()},
            }
            for week in diagnosis.weeks
        ],
        "suggestion": suggestion(diagnosis.inventory, (group.cause for group in diagnosis.groups)),
    }


def _group(group: CauseGroup) -> dict[str, Any]:
    advice = ADVICE[group.cause]
    span = [moment.isoformat() for moment in group.span] if group.span else None
    return {
        "count": group.count,
        "needed": group.needed,
        "proven": group.proven,
        "bytes": group.added_bytes,
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
        "confidence": finding.evidence.confidence,
        "evidence": finding.evidence.text,
        "relative": finding.evidence.relative,
        "needed": finding.needed,
        "bytes": finding.added_bytes,
    }


def _amount(amount: Amount | None) -> dict[str, int] | None:
    return {"versions": amount.versions, "bytes": amount.octets} if amount else None
