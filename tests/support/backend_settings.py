"""What the state backends of the tests are given besides their addresses."""

import os
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from reconciler.state.opening import BackendSettings

GITHUB = "TESTS_GITHUB"
"""The environment variable that leads to the sandbox of the tests."""

TOKEN = "ghs_sandbox"
"""A workflow's token."""


def known(ahead: timedelta = timedelta()) -> BackendSettings:
    """Give the sandbox, and a clock that is so much ahead."""
    github = os.environ.get(GITHUB, "")
    return BackendSettings(lambda: datetime.now(UTC) + ahead, github, SecretStr(TOKEN))
