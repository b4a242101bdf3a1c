"""ghcr.io as an OCI registry: manifests, tags, blobs and uploads.

Source: OCI distribution-spec v1.1, and what ghcr.io does.
"""

import json
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import quote

from starlette.responses import Response

from reconciler.model.manifest import MAX_MANIFEST_BYTES
from reconciler.sandbox.call import Call, Pause, RefusedError, json_response, registry_refusal
from reconciler.sandbox.metering import Meter
from reconciler.sandbox.package import Content, StoredPackage, sha256
from reconciler.sandbox.rights import RegistryAccess
from reconciler.sandbox.world import World

_READING = frozenset({"GET", "HEAD"})
_PUSHING = frozenset({"POST", "PUT", "PATCH"})

DEFAULT_TAGS = 100
"""Tags of a page when the caller asks for no number."""


@dataclass(frozen=True, slots=True)
class _Target:
    """What a call refers to: a repository, one of its collections, and an entry of that."""

    path: str
    collection: str
    entry: str


class SandboxRegistry:
    """Answers calls below `/v2/`, and the token endpoint."""

    def __init__(self, world: World) -> None:
        """Serve the packages of a world."""
        self._world = world
        self._meter = Meter(world.settings.limits, world.clock)
        self._access = RegistryAccess(world)
        self._manifests = Manifests(world)
        self._blobs = Blobs(world)

    async def answer(self, call: Call, pause: Pause) -> Response:
        """Answer one call."""
        try:
            # A request for a token names the repository in its scope only.
            scope = call.query.get("scope", "").removeprefix("repository:")
            path = scope if call.segments == ("token",) else "/".join(call.segments[1:])
            # The limit is that of the owner, whose name comes first.
            self._meter.admit(path.partition("/")[0])
            await pause()
            with self._world.lock:
                return self._answered(call)
        except RefusedError as refusal:
            return refusal.response

    def _answered(self, call: Call) -> Response:
        if call.segments == ("token",):
            return self._access.token(call)
        target = _target_of(call)
        action = "push" if call.method in _PUSHING else "pull"
        self._access.check(call, target.path, action)
        match target.collection:
            case "":
                return json_response({})
            # ghcr.io deletes no manifest here: a version is deleted through GitHub's API.
            case "manifests" if call.method in _READING:
                return self._manifests.get(call, target.path, target.entry)
            case "manifests" if call.method == "PUT":
                return self._manifests.put(call, target.path, target.entry)
            case "blobs" if call.method in _READING:
                return self._blobs.get(target.path, target.entry)
            case "uploads":
                return self._upload(call, target)
            case "referrers":
                return self._manifests.referrers(target.path, target.entry)
            case "tags":
                return self._manifests.tags(call, target.path)
            case _:
                raise _unsupported()

    def _upload(self, call: Call, target: _Target) -> Response:
        match call.method:
            case "POST":
                return self._blobs.start(call, target.path)
            case "PATCH":
                return self._blobs.append(call, target.path, target.entry)
            case "PUT":
                return self._blobs.finish(call, target.path, target.entry)
            case "GET":
                return self._blobs.status(target.path, target.entry)
            case _:
                raise _unsupported()


def _target_of(call: Call) -> _Target:
    """Parse the path from its end, since a repository's name may have any number of parts."""
    match call.segments[1:]:
        case () | ("",):
            return _Target("", "", "")
        case (*name, "blobs", "uploads", upload) if name:
            return _Target("/".join(name), "uploads", upload)
        case (*name, "tags", "list") if name:
            return _Target("/".join(name), "tags", "")
        case (*name, "manifests" | "blobs" | "referrers" as collection, entry) if name:
            return _Target("/".join(name), collection, entry)
        case _:
            raise registry_refusal(404, "NAME_INVALID", "invalid repository name")


def _unsupported() -> RefusedError:
    return registry_refusal(405, "UNSUPPORTED", "The operation is unsupported.")


class Manifests:
    """Answers calls for manifests; each read of one counts as a download."""

    def __init__(self, world: World) -> None:
        """Serve the packages of a world."""
        self._world = world

    def get(self, call: Call, path: str, reference: str) -> Response:
        """Return the bytes of a manifest, if the caller accepts its type."""
        version = _package(self._world, path).find(reference)
        # A row of GitHub's listing may have no manifest: then a pull fails, and the row stays.
        if version is None or version.body is None:
            raise registry_refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        # Without the header any type is accepted. Source: RFC 9110, section 12.5.1.
        ranges = ",".join(call.headers.getlist("accept") or ["*/*"])
        accepted = {entry.partition(";")[0].strip() for entry in ranges.split(",")}
        # Registries answer 404 to a caller that does not accept the type, and not 406.
        if not accepted & {version.media_type, "*/*", "application/*"}:
            text = f"{version.media_type} found, but accept header does not support it"
            raise registry_refusal(404, "MANIFEST_UNKNOWN", text)
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
        """Store a manifest; if the reference is a tag, move the tag to it."""
        # The type is that of the header: the member `mediaType` may be absent from the document.
        media_type = call.headers.get("content-type", "").partition(";")[0]
        # Registries should accept 4 MiB at least. Source: OCI distribution-spec, "Pushing
        # Manifests".
        if len(call.body) > MAX_MANIFEST_BYTES:
            raise registry_refusal(413, "SIZE_INVALID", "manifest is too large")
        try:
            is_document = isinstance(json.loads(call.body), dict)
        except ValueError:
            is_document = False
        if not is_document or not media_type:
            raise registry_refusal(400, "MANIFEST_INVALID", "manifest invalid")
        content = Content(media_type, call.body)
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
        # Pages continue after a tag's name. Source: OCI distribution-spec, "Listing Tags".
        after = call.query.get("last", "")
        names = sorted(tag for tag in package.tags if tag > after)
        listed = names[: call.number("n", DEFAULT_TAGS)]
        for tag in listed:
            package.tags[tag].downloads += 1
        headers = {}
        if len(listed) < len(names):
            size = call.number("n", DEFAULT_TAGS)
            last = quote(listed[-1])
            headers["link"] = f'</v2/{path}/tags/list?last={last}&n={size}>; rel="next"'
        return json_response({"name": path, "tags": listed}, headers=headers)

    def referrers(self, path: str, digest: str) -> Response:
        """Answer 404, or redirect the caller, as ghcr.io does."""
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


class Blobs:
    """Answers calls for blobs; keeps the chunks of unfinished uploads."""

    def __init__(self, world: World) -> None:
        """Serve the packages of a world."""
        self._world = world
        self._uploads: dict[str, bytearray] = {}

    def get(self, path: str, digest: str) -> Response:
        """Return the bytes of a blob."""
        package = self._world.find(path)
        body = package.blobs.get(digest) if package else None
        if body is None:
            raise registry_refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        headers = {"docker-content-digest": digest}
        return Response(body, headers=headers, media_type="application/octet-stream")

    def start(self, call: Call, path: str) -> Response:
        """Start an upload, mount a blob of another package, or store it at once."""
        # With a digest the body is the whole blob. Source: OCI distribution-spec, "Single POST".
        digest = call.query.get("digest", "")
        if digest:
            return self._store(path, digest, call.body)
        # A mount that is not possible becomes an ordinary upload.
        mounted, source = call.query.get("mount", ""), self._world.find(call.query.get("from", ""))
        if source is not None and mounted in source.blobs:
            return self._store(path, mounted, source.blobs[mounted])
        upload = token_hex(16)
        self._uploads[upload] = bytearray()
        return self._progress(path, upload)

    def append(self, call: Call, path: str, upload: str) -> Response:
        """Append one chunk."""
        self._chunks(upload).extend(call.body)
        return self._progress(path, upload)

    def finish(self, call: Call, path: str, upload: str) -> Response:
        """Append the last chunk, check the digest, and store the blob."""
        body = bytes(self._chunks(upload)) + call.body
        # The upload ends here even if the digest is wrong.
        del self._uploads[upload]
        return self._store(path, call.query.get("digest", ""), body)

    def status(self, path: str, upload: str) -> Response:
        """Return how many bytes of an upload have arrived."""
        response = self._progress(path, upload)
        response.status_code = 204
        return response

    def _chunks(self, upload: str) -> bytearray:
        chunks = self._uploads.get(upload)
        if chunks is None:
            raise registry_refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return chunks

    def _progress(self, path: str, upload: str) -> Response:
        last = max(len(self._chunks(upload)) - 1, 0)
        headers = {
            "location": f"/v2/{path}/blobs/uploads/{upload}",
            "range": f"0-{last}",
            "docker-upload-uuid": upload,
        }
        return Response(status_code=202, headers=headers)

    def _store(self, path: str, digest: str, body: bytes) -> Response:
        if digest != sha256(body):
            raise registry_refusal(400, "DIGEST_INVALID", "digest does not match the content")
        package = self._world.find(path) or self._world.create(path)
        package.blobs[digest] = body
        location = f"/v2/{path}/blobs/{digest}"
        headers = {"location": location, "docker-content-digest": digest}
        return Response(status_code=201, headers=headers)
