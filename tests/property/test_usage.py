"""What `usage` adds up is what a naive sum over the raw bytes of the registry adds up."""

import json
from collections.abc import Iterable, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from reconciler.analysis.usage import UsageInput, UsageTotals, usage_totals
from reconciler.engine.read_all import look_ahead, read_whole
from reconciler.model.inventory import Observations
from reconciler.model.names import Digest, Repository
from tests.support.documents import Document, artifact, attestation, image, index, signature
from tests.support.example_counts import THIRD
from tests.support.fake_registry import FakeRegistry
from tests.support.strategies import Choices, choices
from tests.support.time import NOON

LAYERS = [f"layer {number} ".encode() * (number + 1) for number in range(6)]
TAGS = ("latest", "v1.2.3", "v1.2.4", "sha-0a1b2c3", "sha-1a2b3c4", "pr-1", "pr-2")
WEB, API = Repository("ghcr.io/acme/web"), Repository("ghcr.io/acme/api")


def registry(chosen: Choices, repository: Repository) -> FakeRegistry:
    """Fill a repository: layers shared between images, or twice in one; nested and lone indexes."""
    held = FakeRegistry(lambda: NOON, repository)
    made = [image(f"{repository} first", layers=LAYERS[:1])]
    held.storage.push(made[0])
    for number in range(chosen.of(range(8))):
        document = _document(chosen, f"{repository} {number}", made)
        made.append(document)
        held.storage.push(document, *chosen.some(TAGS, 3))
    for document in chosen.some(made, 2):
        if document.digest in held.storage.live and chosen.whether(once_in=3):
            held.storage.remove(document.digest)
    return held


def _document(chosen: Choices, name: str, made: Sequence[Document]) -> Document:
    match chosen.of(("image", "image", "shared", "index", "artifact", "signature", "attestation")):
        case "image":
            return image(name, layers=chosen.some(LAYERS, 5))
        case "shared":
            return image("the same everywhere", layers=chosen.some(LAYERS, 1))
        case "index":
            return index(*{child.digest: child for child in chosen.some(made, 4)}.values())
        case "artifact":
            return artifact(name, subject=chosen.of(made))
        case "signature":
            return signature(chosen.of(made))
        case _:
            return attestation(chosen.of(made))


def measured(doomed: Mapping[Repository, set[str]], *registries: FakeRegistry) -> UsageTotals:
    """Weigh registries as the command does."""
    read = {
        held.repository: read_whole(held, look_ahead(held, held.repository), Observations())
        for held in registries
    }
    return usage_totals(
        UsageInput(inventory, to_delete={Digest(one) for one in doomed.get(repository, ())})
        for repository, inventory in read.items()
    )


def stored(held: FakeRegistry, digests: Iterable[str]) -> dict[str, int]:
    """Return all bytes that some documents are made of, by digest, from the raw bytes alone."""
    found: dict[str, int] = {}
    for digest in digests:
        content = held.storage.live[digest].document.content
        body = json.loads(content)
        found[digest] = len(content)
        for part in (*body.get("layers", ()), *([body["config"]] if "config" in body else ())):
            found[part["digest"]] = len(held.storage.blobs[part["digest"]])
    return found


@THIRD
@given(choices(120), st.data())
def test_every_blob_is_counted_once_and_what_a_plan_frees_is_what_nobody_else_names(
    chosen: Choices, data: st.DataObject
) -> None:
    held = registry(chosen, WEB)
    live = sorted(held.storage.live)
    doomed = data.draw(st.sets(st.sampled_from(live)) if live else st.just(set[str]()))

    (usage,) = measured({WEB: doomed}, held).repositories

    everything = sum(stored(held, live).values())
    surviving = sum(stored(held, set(live) - doomed).values())
    assert usage.octets == everything
    assert usage.stated == sum(sum(stored(held, [digest]).values()) for digest in live)
    assert usage.freed
    assert usage.freed.octets == sum(stored(held, doomed).values())
    assert usage.freed.alone == everything - surviving


@THIRD
@given(choices(240))
def test_what_two_repositories_have_in_common_is_said_and_counted_in_each(
    chosen: Choices,
) -> None:
    web, api = registry(chosen, WEB), registry(chosen, API)
    of_web, of_api = stored(web, web.storage.live), stored(api, api.storage.live)

    found = measured({}, web, api)

    assert found.octets == sum(of_web.values()) + sum(of_api.values())
    assert found.between == sum(of_web[blob] for blob in of_web.keys() & of_api.keys())
