"""The repositories whose decisions are written down: more than fifty images each, made by rule."""

from collections.abc import Iterator
from datetime import timedelta

from reconciler.model.inventory import Version
from tests.support.inventories import (
    attestation,
    cache_index,
    fallback,
    image,
    index,
    referrer,
    signature,
)
from tests.support.time import NOON

HELM = "application/vnd.cncf.helm.config.v1+json"


def web() -> Iterator[Version]:
    """Yield the images of a web service; the newest release, candidate and commit moved tags."""
    for number in range(8):
        tags = ["latest", "2"] if number == 7 else []
        yield from _built(f"rel{number}", f"2.{number}.0", *tags, age=f"{300 - 40 * number}d")
    for number in range(1, 6):
        yield image(f"rc{number}", f"2.8.0-rc.{number}", age=f"{60 - 10 * number}d")
    yield image("rc-old", "2.7.0-rc.1", age="50d")
    for number in range(30):
        edge = ["edge", "main"] if number == 29 else []
        yield from _built(f"c{number:02}", f"sha-{number:07x}", *edge, age=f"{59 - 2 * number}d")
    yield image("pr481a", "pr-481", "sha-aaaaaaa", age="9d")
    yield image("pr481b", age="6d")
    yield image("pr502", "pr-502", "sha-bbbbbbb", age="20h")
    yield image("pr503x", "pr-503-arm64", age="90d")
    yield image("acme", "sha-ccccccc", "customer-acme", age="300d")
    yield image("bolt", "customer-bolt-2025", age="400d")
    for number in range(6):
        yield from _built(f"u{number}", age=f"{2 + 3 * number}d")
    yield image("new", age="3h")
    yield image("unsure", "sha-ddddddd", age=None)
    yield cache_index("cache", "buildcache", age="100d")
    yield cache_index("cache-old", age="30d")


def nightly() -> Iterator[Version]:
    """Yield one image a night for four weeks, then one every 20 days for three years."""
    days = [*range(28), *range(28, 1200, 20)]
    for number in days:
        day = NOON - timedelta(days=number)
        yield image(f"n{day:%Y%m%d}", f"nightly-{day:%Y%m%d}", age="2d")
    for number in range(6):
        day = NOON - timedelta(days=number)
        yield image(f"f{day:%Y%m%d}", f"failed-{day:%Y%m%d}", age="2d")
    yield image("broken-date", "nightly-20261399", age="30d")
    yield image("two-dates", "nightly-20200101", "failed-20200102", age="30d")


def services() -> Iterator[Version]:
    """Yield releases of three minors, numbered builds of four branches, and old tags."""
    for minor in range(3):
        for patch in range(8):
            age = 400 - 130 * minor - 10 * patch
            yield from _built(f"r{minor}-{patch}", f"v1.{minor}.{patch}", age=f"{age}d")
    for branch, builds in (("main", 12), ("feature-a", 5), ("feature-b", 2), ("hotfix", 1)):
        for number in range(8, 8 + builds):
            yield image(f"{branch}-{number}", f"{branch}.{number}", age=f"{100 - 2 * number}d")
    yield image("twice", "main.3", "feature-a.99", age="80d")
    for number in range(5):
        yield image(f"old{number}", f"snapshot-{number}", age=f"{5 + 5 * number}d")
    for number in range(4):
        yield image(f"u{number}", age=f"{3 + 3 * number}d")
    old = index("former", lists=["gone"], age="60d")
    yield old
    yield signature("former-sig", of=old, age="60d")
    yield signature("orphan-sig", of="elsewhere", age="60d")


def regulated() -> Iterator[Version]:
    """Yield charts, releases of two lines over nine years, and what development left."""
    for minor in range(3):
        for patch in range(5):
            age = 900 - 250 * minor - 20 * patch
            yield image(f"ch{minor}-{patch}", f"1.{minor}.{patch}", age=f"{age}d", kind=HELM)
    for number in range(6):
        tag = f"1.3.0-dev.{number}"
        yield image(f"dev{number}", tag, age=f"{3 + 5 * number}d", kind=HELM)
    yield image("image-1", "1.0.0-image", age="900d")
    for line, ages in enumerate(((3300, 3000, 2700, 2600, 2000, 900), (3200, 3100, 1200, 300))):
        for number, age in enumerate(ages):
            yield from _signed(f"rev-{line}-{number + 7}", age=f"{age}d")
    for number in range(14):
        yield image(f"branch{number:02}", f"dev-{number}", age=f"{6 + 6 * number}d")
    for number in range(5):
        yield from _built(f"u{number}", age=f"{4 + 100 * number}d")


def plain() -> Iterator[Version]:
    """Yield what three runs saw of a registry without push times."""
    for number in range(44):
        seen = "400d" if number < 30 else "10d" if number < 40 else "1d"
        latest = ["latest"] if number == 43 else []
        yield _seen(f"b{number:02}", f"build-{number}", *latest, seen=seen)
    # Deployment 3 was put back two days ago, and 6 is the one before.
    for number, tagged in enumerate(("400d", "400d", "2d", "90d", "60d", "30d"), start=1):
        yield _seen(f"prod{number}", f"prod-{number}", seen="400d", tagged=tagged)
    for number, built in enumerate(("20000d", "20000d", "9d", "9d", "9d", "40d"), start=1):
        yield _seen(f"tmp{number}", f"tmp-{number}", seen="400d", created=built)
    for number, days in enumerate((2, 29, 31, 60, 90), start=1):
        seconds = int((NOON - timedelta(days=days)).timestamp())
        yield _seen(f"job{number}", f"job-{seconds}", seen="400d")
    dates = ("20261102", "20261101-a", "2026-11-01", "20261101", "20261031", "1793000000", "old")
    for number, day in enumerate(dates, start=1):
        yield _seen(f"rep{number}", f"report-{day}", seen="400d")


def _seen(
    name: str, *tags: str, seen: str, tagged: str | None = None, created: str = "400d"
) -> Version:
    """Build an image of which runs know all, and the registry tells nothing."""
    times = {"first_seen": seen, "tagged_since": tagged or seen, "created": created}
    return image(name, *tags, age=None, **times)


def _built(name: str, *tags: str, age: str) -> Iterator[Version]:
    """Yield an index over two platforms, one of them with provenance."""
    amd, arm = image(f"{name}-amd", age=age), image(f"{name}-arm", age=age)
    proof = attestation(f"{name}-prov", of=amd, age=age)
    yield from (amd, arm, proof, index(name, *tags, lists=[amd, arm, proof], age=age))


def _signed(name: str, *, age: str) -> Iterator[Version]:
    """Yield an image with a bundle, the list of its referrers, and a classic signature."""
    one = image(name, name, age=age)
    bundle = referrer(f"{name}-bundle", of=one, age=age)
    yield from (one, bundle, signature(f"{name}-sig", of=one, age=age))
    yield fallback(f"{name}-refs", of=one, lists=[bundle], age=age)
