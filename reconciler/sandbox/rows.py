"""GitHub's JSON for owners, packages and versions. Source: GitHub's OpenAPI description."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from reconciler.sandbox.package import Owner, StoredPackage, StoredVersion
from reconciler.sandbox.world import StoredComment

_WEB = "https://github.com"
_OWNER_LINKS = (
    "followers",
    "following",
    "gists",
    "starred",
    "subscriptions",
    "organizations",
    "repos",
    "events",
    "received_events",
)


def owner_row(owner: Owner, base: str) -> dict[str, Any]:
    """Describe an owner as GitHub's simple user."""
    url = f"{base}/users/{owner.login}"
    return {
        "login": owner.login,
        "id": owner.id,
        "node_id": f"O_{owner.id}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{owner.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{_WEB}/{owner.login}",
        **{f"{name}_url": f"{url}/{name}" for name in _OWNER_LINKS},
        "type": owner.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def user_row(owner: Owner, base: str) -> dict[str, Any]:
    """Describe an owner as GitHub's public profile."""
    named = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    times = dict.fromkeys(("created_at", "updated_at"), "2015-01-01T00:00:00Z")
    return owner_row(owner, base) | named | counts | times


def package_row(package: StoredPackage, base: str) -> dict[str, Any]:
    """Describe a package."""
    created = _time(package.created_at)
    newest = max((version.created_at for version in package.live), default=package.created_at)
    return {
        "id": package.id,
        "name": package.name,
        "package_type": "container",
        "owner": owner_row(package.owner, base),
        "version_count": len(package.live),
        "visibility": package.visibility,
        "url": f"{base}/{api_path(package)}",
        "created_at": created,
        "updated_at": _time(newest),
        "html_url": f"{_web_path(package)}/package/{_encoded(package)}",
    }


def version_row(
    package: StoredPackage, version: StoredVersion, tags: tuple[str, ...], base: str
) -> dict[str, Any]:
    """Describe a version, with the tags that the listing shows."""
    created = _time(version.created_at)
    row = {
        "id": version.id,
        "name": version.digest,
        "url": f"{base}/{api_path(package)}/versions/{version.id}",
        "package_html_url": f"{_web_path(package)}/package/{_encoded(package)}",
        "created_at": created,
        "updated_at": _time(version.updated_at),
        "html_url": f"{_web_path(package)}/{_encoded(package)}/{version.id}",
        "metadata": {"package_type": "container", "container": {"tags": tags}},
    }
    if version.deleted_at is not None:
        row["deleted_at"] = _time(version.deleted_at)
    return row


def comment_row(comment: StoredComment, issue: str, base: str) -> dict[str, Any]:
    """Describe a comment of an issue, which is named `owner/name#number`."""
    repository, _, number = issue.partition("#")
    url = f"{base}/repos/{repository}/issues"
    # The name of an app's account ends like this. Source: GitHub, "Automatic token authentication".
    kind = "Bot" if comment.author.endswith("[bot]") else "User"
    return {
        "id": comment.id,
        "node_id": f"IC_{comment.id}",
        "url": f"{url}/comments/{comment.id}",
        "html_url": f"{_WEB}/{repository}/pull/{number}#issuecomment-{comment.id}",
        "issue_url": f"{url}/{number}",
        "body": comment.body,
        "user": {**owner_row(Owner(comment.author), base), "type": kind},
        "created_at": _time(comment.created_at),
        "updated_at": _time(comment.updated_at),
        "author_association": "NONE",
        "performed_via_github_app": None,
    }


def api_path(package: StoredPackage) -> str:
    """Return the package's path in the REST API, with the name as one segment."""
    prefix = "orgs" if package.owner.kind == "Organization" else "users"
    return f"{prefix}/{package.owner.login}/packages/container/{_encoded(package)}"


def versions_path(package: StoredPackage) -> str:
    """Return the path of a package's versions below its owner's packages."""
    return f"container/{_encoded(package)}/versions"


def numeric_path(owner: Owner) -> str:
    """Return the path of an owner's packages as GitHub's own pagination links spell it."""
    prefix = "organizations" if owner.kind == "Organization" else "user"
    return f"{prefix}/{owner.id}/packages"


def _web_path(package: StoredPackage) -> str:
    prefix = "orgs" if package.owner.kind == "Organization" else "users"
    return f"{_WEB}/{prefix}/{package.owner.login}/packages/container"


def _encoded(package: StoredPackage) -> str:
    return quote(package.name, safe="")


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
