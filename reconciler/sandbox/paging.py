"""Pages and the `Link` header that leads from one to the next."""

from dataclasses import dataclass
from urllib.parse import urlencode

from reconciler.sandbox.call import Call

DEFAULT_PAGE = 30
MAX_PAGE = 100
"""Rows of a page. Source: GitHub's OpenAPI description."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page as asked for; numbers begin at 1."""

    number: int
    size: int

    @classmethod
    def of(cls, call: Call) -> "PageRequest":
        """Read what a call asks for, as leniently as GitHub."""
        size = min(call.number("per_page", DEFAULT_PAGE), MAX_PAGE)
        return cls(call.number("page", 1), size)

    @property
    def slice(self) -> slice:
        """Its rows, cut out of all rows in order."""
        start = (self.number - 1) * self.size
        return slice(start, start + self.size)

    def link(self, call: Call, path: str, total: int) -> dict[str, str]:
        """Return the `Link` header for this page of `total` rows, if there are others."""
        last = max(-(-total // self.size), 1)
        here = min(self.number, last + 1)  # far beyond the end, `prev` still leads back
        pages = {}
        if here > 1:
            pages["prev"] = here - 1
        if here < last:
            pages |= {"next": here + 1, "last": last}
        if here > 1:
            pages["first"] = 1
        query = dict(call.query)
        parts = [
            f'<{call.base_url}/{path}?{urlencode(query | {"page": str(page)})}>; rel="{rel}"'
            for rel, page in pages.items()
        ]
        return {"link": ", ".join(parts)} if parts else {}
