"""The selector of a rule: which images it covers."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, StrictBool

from reconciler.model.language import MAX_PATTERNS, Flaw, PolicyPart, Switch
from reconciler.model.patterns import TagGlob, TagRegex, TypeGlob
from reconciler.model.semver import SemVer, SemVerRange

SELECTORS = ("tags", "regex", "semver", "untagged", "any", "rest")


class Match(PolicyPart):
    """Which images a rule covers: exactly one selector, and filters that narrow it."""

    tags: tuple[TagGlob, ...] | None = Field(
        None,
        min_length=1,
        max_length=MAX_PATTERNS,
        description="Images with a tag like one of these; * is any text, ? one character.",
        examples=[["latest", "release-*"]],
    )
    regex: TagRegex | None = Field(
        None,
        description="Images with a tag that matches this RE2 expression as a whole.",
        examples=[r"pr-(?P<pr>\d+)"],
    )
    semver: SemVerRange | None = Field(
        None,
        description="Images with a tag that is a semantic version in this range.",
        examples=[">=1.2 <2"],
    )
    prerelease: Literal["exclude", "include", "only"] | None = Field(
        None,
        description="What semver does with pre-releases; the default is exclude.",
        examples=["only"],
    )
    untagged: Switch | None = Field(
        None, description="Images without a tag that nothing needs.", examples=[True]
    )
    any: Switch | None = Field(None, description="Every image, tagged or not.", examples=[True])
    rest: Switch | None = Field(
        None, description="Every image that no other rule of the policy covers.", examples=[True]
    )
    except_: tuple[TagGlob, ...] = Field(
        (),
        alias="except",
        max_length=MAX_PATTERNS,
        description="Tags that the selector ignores.",
        examples=[["latest"]],
    )
    with_: tuple[TagGlob, ...] = Field(
        (),
        alias="with",
        max_length=MAX_PATTERNS,
        description="Only images that have, for each of these, a tag like it.",
        examples=[["signed-*"]],
    )
    without: tuple[TagGlob, ...] = Field(
        (),
        max_length=MAX_PATTERNS,
        description="No image that has a tag like one of these.",
        examples=[["pr-*"]],
    )
    every_tag: StrictBool = Field(
        False,  # noqa: FBT003 - a default of a field
        description="Only images of which the selector matches every tag.",
        examples=[True],
    )
    artifact_type: TypeGlob | None = Field(
        None,
        description="Only images of this artifact type; * is any text.",
        examples=["application/vnd.cncf.helm.*"],
    )

    @property
    def selector(self) -> str:
        """The name of its one selector."""
        return self._given[0]

    @property
    def label(self) -> str:
        """The selector as reasons print it."""
        return str(self.semver or ", ".join(self.patterns) or self.selector)

    @property
    def reads_tags(self) -> bool:
        """Whether the selector matches tags rather than whole images."""
        return self.selector in ("tags", "regex", "semver")

    @property
    def captures(self) -> frozenset[str]:
        """The names that `group_by`, `order_by` and `age_by` may use."""
        return self.regex.captures if self.regex else frozenset()

    @property
    def patterns(self) -> tuple[TagGlob | TagRegex, ...]:
        """The patterns of its selector; for `semver` and whole-image selectors there are none."""
        return self.tags or ((self.regex,) if self.regex else ())

    @property
    def every_pattern(self) -> tuple[TagGlob | TagRegex, ...]:
        """The patterns of its selector and of its filters."""
        return (*self.patterns, *self.except_, *self.with_, *self.without)

    def admits(self, version: SemVer) -> bool:
        """Whether a `semver` selector matches a version, by its range and `prerelease`."""
        mode = self.prerelease or "exclude"
        wanted = mode == "include" or version.is_prerelease == (mode == "only")
        return wanted and self.semver is not None and self.semver.admits(version)

    def flaws(self) -> Iterator[Flaw]:
        """Yield a missing selector, a second one, and filters without effect."""
        if len(self._given) != 1:
            got, all_of = ", ".join(self._given) or "none", ", ".join(SELECTORS)
            yield Flaw((), f"exactly one selector of {all_of} is needed; got {got}")
        if self.prerelease and not self.semver:
            message = "'prerelease' belongs to 'semver'; remove it or match by semver"
            yield Flaw(("prerelease",), message)
        if self.untagged:
            for name in ("except_", "with_", "without", "every_tag"):
                if getattr(self, name):
                    # `except` and `with` are keywords of Python, so their attributes end in `_`.
                    key = name.rstrip("_")
                    yield Flaw((key,), f"an untagged image has no tags; remove {key!r}")

    @property
    def _given(self) -> list[str]:
        return [name for name in SELECTORS if getattr(self, name) is not None]
