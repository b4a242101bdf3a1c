"""Policy files: YAML that strangers may have written, read or refused with reasons."""

from reconciler.policyfile.files import is_policy_file, is_test_file
from reconciler.policyfile.load import (
    Origin,
    PolicySet,
    load_policies,
    load_text,
    load_texts,
    remarks_on,
)
from reconciler.policyfile.revision import Revision, load_revision
from reconciler.policyfile.tests import WrittenTest, load_tests, read_test

__all__ = [
    "Origin",
    "PolicySet",
    "Revision",
    "WrittenTest",
    "is_policy_file",
    "is_test_file",
    "load_policies",
    "load_revision",
    "load_tests",
    "load_text",
    "load_texts",
    "read_test",
    "remarks_on",
]
