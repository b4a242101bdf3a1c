"""Which token servers may see the credentials of a registry.

A registry names its token server itself, so a hostile or hijacked one could name any. TLS proves
who names it; a name heard over plain HTTP may come from anybody.
"""

from collections.abc import Callable
from typing import TypeAlias

import httpx

from reconciler.model.hosts import is_loopback

RealmRule: TypeAlias = Callable[[httpx.URL, httpx.URL], bool]
"""Tells, for a registry and a realm that it names, whether the realm may see credentials."""


def named_over_tls(registry: httpx.URL, realm: httpx.URL) -> bool:
    """Trust the registry's own host, and any that it names, TLS all the way.

    A registry on plain HTTP, which somebody has allowed, may name itself or this machine.
    """
    if registry.scheme == "https":
        return realm.scheme == "https"
    if realm.scheme == "http":
        return realm.host == registry.host or is_loopback(realm.host)
    return realm.scheme == "https" and realm.host == registry.host


def on_own_host(registry: httpx.URL, realm: httpx.URL) -> bool:
    """Trust the registry's own host only: for registries known to issue their tokens themselves."""
    return realm.host == registry.host and named_over_tls(registry, realm)
