"""Policy files: YAML that strangers may have written, read or refused with reasons."""

from reconciler.policyfile.files import is_policy_file
from reconciler.policyfile.loading import load_policies, load_text, load_texts
from reconciler.policyfile.policyset import Origin, PolicySet
from reconciler.policyfile.remarks import remarks_on

__all__ = [
    "Origin",
    "PolicySet",
    "is_policy_file",
    "load_policies",
    "load_text",
    "load_texts",
    "remarks_on",
]
