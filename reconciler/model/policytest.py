"""A test of a policy: example images, and whether each must be kept or deleted.

The fields are the syntax of the test file; `docs/testing-policies.md` explains them to writers.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar, Literal

from pydantic import Field

from reconciler.model.base import Frozen
from reconciler.model.durations import Instant, Past, Span
from reconciler.model.inventory import Fact
from reconciler.model.language import Flaw, Label, PolicyPart
from reconciler.model.names import Digest, Name, Tag

MAX_IMAGES = 1_000
"""Most images in one test."""


class ImageName(Name):
    """The name of an image in a test, by which other images list it or refer to it."""

    __slots__ = ()

    _kind: ClassVar[str] = "name of an image (letters, digits, `_`, `.` and `-`)"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


class ExpectedImage(PolicyPart):
    """One version in a test, and whether it must be kept or deleted."""

    name: ImageName | None = Field(
        None, description="Its name in this test; its first tag if left out.", examples=["amd64"]
    )
    tags: tuple[Tag, ...] = Field((), description="Its tags.", examples=[["1.4.2", "latest"]])
    digest: Digest | None = Field(
        None,
        description="Its digest; generated if left out.",
        examples=["sha256:" + "0" * 64],
    )
    age: Span | None = Field(
        None, description="Its age by every time that is not given here.", examples=["9d"]
    )
    pushed: Past | None = Field(None, description="When it was pushed.", examples=["9d"])
    created: Past | None = Field(None, description="When it was built.", examples=["9d"])
    first_seen: Past | None = Field(None, description="When a run first saw it.", examples=["9d"])
    untagged_since: Past | None = Field(
        None, description="When a run first saw it without a tag.", examples=["9d"]
    )
    tagged_since: Past | None = Field(
        None, description="When a run first saw the newest of its tags.", examples=["9d"]
    )
    artifact_type: str = Field(
        "",
        max_length=255,
        description="Its artifact type, if it is not a container image.",
        examples=["application/vnd.cncf.helm.config.v1+json"],
    )
    children: tuple[ImageName, ...] = Field(
        (), description="What it lists, by name; it is an index then.", examples=[["amd64"]]
    )
    subject: ImageName | None = Field(
        None, description="What it refers to, by name.", examples=["1.4.2"]
    )
    expect: Literal["keep", "delete"] | None = Field(
        None, description="Whether it must be kept or deleted.", examples=["keep"]
    )
    by: Label | None = Field(
        None,
        description="The rule, the protection or the cause that must decide it.",
        examples=["releases"],
    )

    def time(self, fact: Fact, now: datetime) -> datetime | None:
        """Return one of its times; None if the test does not give it."""
        times = {
            Fact.PUSHED: self.pushed,
            Fact.CREATED: self.created,
            Fact.FIRST_SEEN: self.first_seen,
            Fact.UNTAGGED_SINCE: self.untagged_since,
            Fact.TAGGED_SINCE: self.tagged_since,
        }
        if given := times[fact]:
            return given.before(now)
        # `age` must not give an image a time that it cannot have.
        never = Fact.UNTAGGED_SINCE if self.tags else Fact.TAGGED_SINCE
        return now - self.age.delta if self.age and fact is not never else None

    @property
    def links(self) -> Iterator[tuple[tuple[str | int, ...], ImageName]]:
        """The images it refers to, each with the place of the reference."""
        yield from ((("children", at), child) for at, child in enumerate(self.children))
        if self.subject:
            yield ("subject",), self.subject

    @property
    def marks(self) -> Iterator[tuple[str, str]]:
        """What must be unique to it, each with its key."""
        yield from (("tags", tag) for tag in self.tags)
        # A name that repeats a tag of the same image is not used twice.
        if self.name and str(self.name) not in map(str, self.tags):
            yield "name", self.name
        if self.digest:
            yield "digest", self.digest

    def flaws(self) -> Iterator[Flaw]:
        """Yield keys that require another one, or exclude it."""
        if self.by and not self.expect:
            yield Flaw(("by",), "'by' needs an 'expect' beside it: keep or delete")
        if self.untagged_since and self.tags:
            yield Flaw(("untagged_since",), "an image with tags is not untagged; remove one")
        if self.tagged_since and not self.tags:
            yield Flaw(("tagged_since",), "an image without tags has none since then; add its tags")


class ExpectedGuards(Frozen):
    """Whether the guards must stop the plan."""

    expect: Literal["ok", "stop"] = Field(
        description="ok when no guard may stop the plan, stop when one must.", examples=["ok"]
    )


class PolicyTest(PolicyPart):
    """What one policy must do with a repository that the test describes, at a given time."""

    policy: Label = Field(description="The policy that is tested.", examples=["web"])
    now: Instant = Field(
        description="The time at which it is evaluated.", examples=["2026-01-31T12:00:00Z"]
    )
    images: tuple[ExpectedImage, ...] = Field(
        min_length=1,
        max_length=MAX_IMAGES,
        description="All versions of the repository.",
        examples=[[{"tags": ["1.4.2"], "age": "9d", "expect": "keep", "by": "releases"}]],
    )
    guards: ExpectedGuards | None = Field(
        None, description="Whether the guards must stop the plan.", examples=[{"expect": "ok"}]
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each image: as given, or its first tag, or its place in the list."""
        return tuple(
            str(image.name or next(iter(image.tags), f"images[{position}]"))
            for position, image in enumerate(self.images)
        )

    def flaws(self) -> Iterator[Flaw]:
        """Yield names and tags that are used twice, references to nothing, and cycles."""
        positions: dict[str, int] = {}
        for position, image in enumerate(self.images):
            for key, text in image.marks:
                if positions.setdefault(text, position) != position:
                    message = f"{text} is used by images[{positions[text]}] too; give each its own"
                    yield Flaw(("images", position, key), message)
        known = set(self.names)
        for position, image in enumerate(self.images):
            for at, link in image.links:
                if link not in known:
                    yield Flaw(("images", position, *at), f"no image of this test is named {link}")
        links = {
            name: [link for _, link in image.links]
            for name, image in zip(self.names, self.images, strict=True)
        }
        try:
            TopologicalSorter(links).prepare()
        except CycleError as error:
            circle = " -> ".join(error.args[1])
            message = f"{circle} is a cycle, which cannot exist: a digest is the hash of a document"
            yield Flaw(("images",), message)
