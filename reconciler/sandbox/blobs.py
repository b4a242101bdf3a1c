"""Blobs of the registry and their uploads. Source: OCI distribution-spec v1.1."""

from secrets import token_hex

from starlette.responses import Response

from reconciler.sandbox.call import Call, registry_refusal
from reconciler.sandbox.content import sha256
from reconciler.sandbox.world import World


class Blobs:
    """Answers what concerns blobs; chunks of unfinished uploads are kept until they end."""

    def __init__(self, world: World) -> None:
        """Serve the packages of a world."""
        self._world = world
        self._uploads: dict[str, bytearray] = {}

    def get(self, path: str, digest: str) -> Response:
        """Give the bytes of a blob."""
        package = self._world.find(path)
        body = package.blobs.get(digest) if package else None
        if body is None:
            raise registry_refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        headers = {"docker-content-digest": digest}
        return Response(body, headers=headers, media_type="application/octet-stream")

    def start(self, call: Call, path: str) -> Response:
        """Begin an upload, mount a blob of another package, or take it in at once."""
        digest = call.query.get("digest", "")
        if digest:
            return self._store(path, digest, call.body)
        # A mount that cannot be done becomes an ordinary upload.
        mounted, source = call.query.get("mount", ""), self._world.find(call.query.get("from", ""))
        if source is not None and mounted in source.blobs:
            return self._store(path, mounted, source.blobs[mounted])
        upload = token_hex(16)
        self._uploads[upload] = bytearray()
        return self._progress(path, upload)

    def append(self, call: Call, path: str, upload: str) -> Response:
        """Take in one chunk."""
        self._chunks(upload).extend(call.body)
        return self._progress(path, upload)

    def finish(self, call: Call, path: str, upload: str) -> Response:
        """Take in the last chunk and check the whole."""
        body = bytes(self._chunks(upload)) + call.body
        del self._uploads[upload]
        return self._store(path, call.query.get("digest", ""), body)

    def status(self, path: str, upload: str) -> Response:
        """Say how much of an upload is there."""
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
