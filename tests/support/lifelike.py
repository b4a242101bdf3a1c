"""A repository as a busy team leaves it, of any size, and the policy that a careful team writes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from reconciler.model.inventory import Version
from tests.support.inventories import attestation, image, index, referrer, signature, unread
from tests.support.time import NOON

POLICY = r"""
timezone: Europe/Berlin
protect:
  - {name: moving, match: {tags: [latest, edge]}}
  - {name: audited, match: {semver: ">=1"}, keep: {within: 90d}}
rules:
  - {name: releases, match: {semver: ">=1"}, group_by: [minor], keep: {last: 3, within: 180d}}
  - {name: pre-one, match: {semver: "<1"}, keep: {last: 5}}
  - {name: candidates, match: {regex: '(?P<minor>\d+\.\d+)\.\d+-(?:alpha|beta|rc)\.?\d+'},
     group_by: [minor], keep: {last: 2, within: 30d}}
  - {name: previews, match: {regex: 'pr-(?P<pr>\d+)'}, group_by: [pr], keep: {last: 1, within: 7d}}
  - {name: commits, match: {tags: ["sha-*"], without: ["pr-*"]}, keep: {within: 30d, last: 20}}
  - name: nightly
    match: {regex: 'nightly-(?P<day>\d{8})'}
    order_by: "date:day"
    age_by: "date:day"
    keep: {last: 3, daily: 7, weekly: 4, monthly: 12}
  - {name: builds, match: {regex: '(?P<branch>[a-z]+)\.(?P<n>\d+)'}, group_by: [branch],
     order_by: "int:n", keep: {last: 3}}
  - {name: charts, match: {any: true, artifact_type: "application/vnd.cncf.helm.*"},
     keep: {last: 10}}
  - {name: hotfixes, match: {tags: ["hotfix-*", "fix-*"], every_tag: true}, keep: {within: 14d}}
  - {name: snapshots, match: {regex: '.*-SNAPSHOT'}, keep: {last: 5, extra: 5}}
  - {name: dangling, match: {untagged: true}, keep: {within: 7d}}
  - {name: tests, match: {tags: ["test-*"], with: ["*-e2e"]}, keep: {none: true}}
"""
"""Twelve rules and two protections over every selector but `rest`."""


def busy_repository(builds: int) -> Iterator[Version]:
    """Yield the versions of so many builds: two platforms with provenance each, an index over them.

    Every third build lost its tags to a later one, every seventh is signed, every tenth has a
    bundle; five versions a build, and a few more. What an observer need not read, none has read.
    """
    for number in range(builds):
        yield from _build(number, number / builds)


def _build(number: int, share: float) -> Iterator[Version]:
    """Yield one build; `share` tells how far back it lies, from two years ago to this moment."""
    pushed = NOON - timedelta(days=730) * (1 - share)
    tags = () if number % 3 == 0 else _tags(number)
    amd, arm = image(f"amd{number}"), image(f"arm{number}")
    proofs = [attestation(f"at{number}", of=amd), attestation(f"au{number}", of=arm)]
    root = index(f"ix{number}", *tags, lists=[amd, arm, *proofs])
    extra = [unread(signature(f"sg{number}", of=root))] if number % 7 == 0 else []
    extra += [referrer(f"rf{number}", of=root)] if number % 10 == 0 else []
    for version in (*map(unread, (amd, arm, *proofs)), root, *extra):
        yield replace(version, pushed=pushed, first_seen=pushed)


def _tags(number: int) -> tuple[str, ...]:
    """Name one build: a release, a candidate, a preview, a nightly, a branch, or just a commit."""
    commit = f"sha-{number:07x}"
    major, minor = number // 5000, number // 50 % 100
    names = {
        1: (f"{major}.{minor}.{number % 50}", commit),
        2: (f"{major}.{minor}.0-rc.{number % 50}", commit),
        4: (f"pr-{number // 10}", commit),
        5: (f"nightly-2026{1 + number % 12:02}{1 + number % 28:02}-{number}",),
        7: (f"main.{number}", commit),
        8: (f"customer-{number}",),
    }
    return names.get(number % 11, (commit,))
