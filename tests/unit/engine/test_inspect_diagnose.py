"""A repository is read whole and diagnosed with what earlier runs saw of it."""

from reconciler.analysis.diagnose.causes import Confidence
from reconciler.analysis.diagnose.diagnose import Diagnosis, DiagnosisResult
from reconciler.analysis.diagnose.finding import DiagnosedVersion
from reconciler.engine.inspect import Examination
from reconciler.engine.read_all import Ahead
from reconciler.errors import ExitCode
from reconciler.model.names import Digest
from reconciler.model.policy import Policy
from tests.support.documents import Document, attestation, image, index
from tests.support.inventories import policy
from tests.support.scenes import WEB, Scene

OLD, NEW = image("old"), image("new")


def examined(scene: Scene, under: Policy | None = None) -> DiagnosisResult:
    """Look at the scene's repository, with a policy to look ahead with or without one."""

    def policy_for(_: Diagnosis) -> Policy | None:
        return under

    examination = Examination(scene.state, scene.clock, policy_for)
    ahead = examination.list(scene.registry, WEB)
    return examination.read(scene.registry, ahead) if isinstance(ahead, Ahead) else ahead


def found(one: DiagnosisResult, document: Document) -> DiagnosedVersion:
    """Return what was found of one document."""
    assert one.diagnosis, one.error
    by_digest = {finding.version.digest: finding for finding in one.diagnosis.findings}
    return by_digest[Digest(document.digest)]


def test_a_tag_that_an_apply_saw_proves_that_it_moved_on(scene: Scene) -> None:
    scene.push(image("preview"), "pr-1")
    scene.push(OLD, "main")
    scene.later(days=2)
    scene.apply()
    scene.push(NEW, "main")

    finding = found(examined(scene), OLD)

    assert finding.evidence.text == "had main when a run last observed it with a tag"
    assert finding.evidence.confidence is Confidence.PROVEN


def test_each_manifest_is_read_once_and_told_of_before(scene: Scene) -> None:
    platforms = [image("build", platform=f"linux/{name}") for name in ("amd64", "arm64")]
    scene.push(index(*platforms, *map(attestation, platforms)), "latest")
    examination = Examination(scene.state, scene.clock, lambda _: None)

    ahead = examination.list(scene.registry, WEB)
    assert isinstance(ahead, Ahead)
    examination.read(scene.registry, ahead)

    assert ahead.reads == 5
    assert len(scene.registry.fetched) == len(set(scene.registry.fetched)) == 5


def test_a_registry_that_lists_tags_only_is_diagnosed_as_far_as_links_lead(plain: Scene) -> None:
    platforms = [image("build", platform=f"linux/{name}") for name in ("amd64", "arm64")]
    plain.push(index(*platforms), "latest")

    told = examined(plain)

    assert {str(found(told, one).cause) for one in platforms} == {"platform-child"}
    assert (told.forecast, told.exit_code) == (None, ExitCode.OK)


def test_a_policy_that_goes_by_build_dates_is_forecast_with_them(scene: Scene) -> None:
    scene.push(image("fresh", created="2026-11-01T00:00:00Z"))
    scene.push(image("stale", created="2020-01-01T00:00:00Z"))
    scene.later(days=15)
    rule = "{name: all, match: {untagged: true}, age_by: created, keep: {within: 30d}}"

    told = examined(scene, policy(f"rules: [{rule}]"))

    assert told.forecast
    assert told.forecast.kept_now
    assert (told.forecast.now.versions, told.forecast.kept_now.versions) == (2, 1)
