"""Manifests and tags of the registry. Source: OCI distribution-spec v1.1, and what ghcr.io does."""

import json
from urllib.parse import quote

from starlette.responses import Response

from reconciler.model.manifest import MAX_MANIFEST_BYTES
from reconciler.sandbox.call import Call, json_response, registry_refusal
from reconciler.sandbox.content import Content
from reconciler.sandbox.package import StoredPackage, StoredVersion
from reconciler.sandbox.world import World

DEFAULT_TAGS = 100
"""Tags of a page when the caller asks for no number."""


class Manifests:
    """Answers what concerns manifests; every one that is read counts as a download."""

    def __init__(self, world: World) -> None:
        """Serve the packages of a world."""
        self._world = world

    def get(self, call: Call, path: str, reference: str) -> Response:
        """Give the bytes of a manifest, if the caller accepts its type."""
        version = _readable(_package(self._world, path), reference)
        _check_accept(call, version.media_type)
        # Whether GitHub counts a HEAD is unknown; here it does not, as on Docker Hub.
        if call.method == "GET":
            version.downloads += 1
        headers = {
            "content-type": version.media_type,
            "docker-content-digest": version.digest,
            "etag": f'"{version.digest}"',
        }
        return Response(version.body, headers=headers)

    def put(self, call: Call, path: str, reference: str) -> Response:
        """Store a manifest; under a tag, the tag moves to it."""
        media_type = call.headers.get("content-type", "").partition(";")[0]
        content = Content(media_type, call.body)
        _check_document(content)
        is_digest = ":" in reference  # no tag has a colon
        if is_digest and reference != content.digest:
            raise registry_refusal(400, "DIGEST_INVALID", "digest does not match the content")
        package = self._world.find(path) or self._world.create(path)
        package.push(content, *(() if is_digest else (reference,)), at=self._world.now)
        location = f"/v2/{path}/manifests/{content.digest}"
        headers = {"location": location, "docker-content-digest": content.digest}
        return Response(status_code=201, headers=headers)

    def tags(self, call: Call, path: str) -> Response:
        """List tags by name; each tag listed counts as a download of its version."""
        package = _package(self._world, path)
        after = call.query.get("last", "")
        names = sorted(tag for tag in package.tags if tag > after)
        shown = names[: call.number("n", DEFAULT_TAGS)]
        for tag in shown:
            package.tags[tag].downloads += 1
        headers = {}
        if len(shown) < len(names):
            size = call.number("n", DEFAULT_TAGS)
            last = quote(shown[-1])
            headers["link"] = f'</v2/{path}/tags/list?last={last}&n={size}>; rel="next"'
        return json_response({"name": path, "tags": shown}, headers=headers)

    def referrers(self, path: str, digest: str) -> Response:
        """Say that there is no such endpoint, or send the caller elsewhere, as ghcr.io does."""
        target = self._world.settings.referrers_redirect
        if not target:
            return Response("404 page not found\n", 404, media_type="text/plain")
        # The digest is truncated in the address that ghcr.io gives.
        location = f"{target}/-/v2/packages/container/package/{quote(path, safe='')}/{digest[:19]}"
        return Response(status_code=303, headers={"location": location})


def _package(world: World, path: str) -> StoredPackage:
    package = world.find(path)
    if package is None:
        raise registry_refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
    return package


def _readable(package: StoredPackage, reference: str) -> StoredVersion:
    version = package.find(reference)
    if version is None or version.body is None:
        raise registry_refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
    return version


def _check_accept(call: Call, media_type: str) -> None:
    """Refuse a caller that does not accept this type; a wrong `Accept` looks like absence."""
    ranges = ",".join(call.headers.getlist("accept") or ["*/*"])
    accepted = {entry.partition(";")[0].strip() for entry in ranges.split(",")}
    if not accepted & {media_type, "*/*", "application/*"}:
        text = f"{media_type} found, but accept header does not support it"
        raise registry_refusal(404, "MANIFEST_UNKNOWN", text)


def _check_document(content: Content) -> None:
    if len(content.body) > MAX_MANIFEST_BYTES:
        raise registry_refusal(413, "SIZE_INVALID", "manifest is too large")
    try:
        readable = isinstance(json.loads(content.body), dict)
    except ValueError:
        readable = False
    if not readable or not content.media_type:
        raise registry_refusal(400, "MANIFEST_INVALID", "manifest invalid")
