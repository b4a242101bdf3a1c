"""What a recording says, read without any of the code that it is played to."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml


@dataclass(frozen=True, slots=True)
class Call:
    """One call and its answer. Shape: `path` has no query and stays encoded."""

    method: str
    path: str
    status: int
    headers: dict[str, list[str]]
    body: str

    @property
    def json(self) -> Any:
        """The answer's JSON."""
        return json.loads(self.body)


def calls(path: Path) -> Iterator[Call]:
    """Yield every call of a recording, in its order."""
    for taped in yaml.safe_load(path.read_text())["interactions"]:
        request, response = taped["request"], taped["response"]
        yield Call(
            request["method"],
            urlsplit(request["uri"]).path,
            response["status"]["code"],
            response["headers"],
            response["body"]["string"],
        )
