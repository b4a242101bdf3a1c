"""What a report says, before anybody decides how it looks."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.formats.html.parts import Chart, Figure, Notice, Table


@dataclass(frozen=True, slots=True)
class ReportSection:
    """Part of a report with a heading of its own, such as one repository."""

    heading: str
    texts: Sequence[str] = ()
    notices: Sequence[Notice] = ()
    charts: Sequence[Chart] = ()
    courses: Sequence[Chart] = ()
    """Amounts that follow one another in time; a page alone draws them."""

    tables: Sequence[Table] = ()
    listing: str = ""
    """Lines to copy as they stand, such as a policy file; nothing in them is from outside."""

    patch: str = ""
    """A change of a file of the user's, as `git apply` takes it."""


@dataclass(frozen=True, slots=True)
class Report:
    """A title, what matters most, and a section for each subject.

    Shape: `last` is the one sentence that machines and hurried people read.
    """

    title: str
    last: str
    figures: Sequence[Figure] = ()
    sections: Sequence[ReportSection] = ()
