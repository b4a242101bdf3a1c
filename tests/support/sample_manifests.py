"""Documents that many tests push: a build for two platforms, and two single images."""

from tests.support.documents import image, index

AMD64 = image("pr 7", platform="linux/amd64")
ARM64 = image("pr 7", platform="linux/arm64")
BUILD = index(AMD64, ARM64)
OTHER = image("pr 8")
LATEST = image("latest")
