"""A package on a sandbox that `apply` has emptied, for commands that take it back."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.workshop import Emptied, Workshop, workshop


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[Emptied]:
    """Serve a package and apply its policy: only `latest` is left."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Workshop:
            web = stack.enter_context(workshop(tmp_path, **settings))
            assert web.reconciler("apply", "--yes").code == 0
            assert set(web.tags) == {"latest"}
            return web

        yield start
