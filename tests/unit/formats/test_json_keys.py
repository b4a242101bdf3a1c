"""The keys of documents for programs stay, however the code names what they hold."""

import json
from typing import Any

from reconciler.analysis.diagnose.causes import VersionCause
from reconciler.analysis.diagnose.diagnose import DiagnosisResult
from reconciler.analysis.diagnose.remedies import AdvisedChange, Attribution, WorkflowAdvice
from reconciler.analysis.integrity import BrokenImage, ImagePart, IntegrityResult, MissingPart
from reconciler.analysis.usage import GroupUsage, ImageUsage, Usage, UsageTotals
from reconciler.formats import diagnosis_json, integrity, usage
from tests.support.inventories import WEB, digest


def keys(document: Any) -> Any:
    """Return the keys of a document, and below each what its value has."""
    if isinstance(document, list):
        return keys(document[0]) if document else None
    if isinstance(document, dict):
        return {name: keys(value) for name, value in document.items()}
    return None


def test_keys_of_verify() -> None:
    hole = MissingPart(digest("a"), ImagePart.LAYER)
    result = IntegrityResult(WEB, broken=(BrokenImage(digest("a"), (), (hole,)),))

    document = json.loads(integrity.as_json([result]))

    missing = ("digest", "part", "platform", "size", "gone", "run", "seen")
    broken = {"digest": None, "tags": None, "missing": dict.fromkeys(missing)}
    names = ("repository", "images", "manifests", "blobs", "foreign", "dangling", "error", "hint")
    assert keys(document) == {
        "repositories": {**dict.fromkeys(names), "broken": broken},
        "broken": None,
    }


def test_keys_of_usage() -> None:
    family, image = GroupUsage("a", 1, 1, 1), ImageUsage(digest("a"), (), 1, 1)
    whole = Usage(WEB, 1, 1, 1, 1, (family,), (image,), (family,), family)

    document = json.loads(usage.as_json(UsageTotals((whole,), 0)))

    group = dict.fromkeys(("name", "versions", "octets", "alone"))
    names = ("repository", "versions", "octets", "stated", "shared", "foreign", "unmeasured")
    assert keys(document) == {
        "repositories": {
            **dict.fromkeys(names),
            "families": group,
            "biggest": dict.fromkeys(("digest", "tags", "octets", "alone")),
            "causes": group,
            "freed": group,
        },
        "between": None,
    }


def test_keys_of_what_workflows_have_to_do_with_a_diagnosis() -> None:
    advice = WorkflowAdvice(
        (Attribution("place", "step", (VersionCause.TAGGED,)),),
        (AdvisedChange("place", "text", "patch", 1, 2),),
    )

    (document,) = json.loads(
        diagnosis_json.as_json([DiagnosisResult(WEB, workflow_advice=advice)])
    )["repositories"]

    assert keys(document["workflows"]) == {
        "attributions": dict.fromkeys(("place", "step", "causes")),
        "proposals": dict.fromkeys(("place", "words", "patch", "left", "needed", "avoids")),
        "unread": None,
    }
