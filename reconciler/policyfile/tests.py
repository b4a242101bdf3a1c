"""Load tests of policies, each together with the policy that it names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from reconciler.model.causes import Cause
from reconciler.model.language import PolicyProblems, Problem
from reconciler.model.policy import Policy
from reconciler.model.policytest import PolicyTest
from reconciler.policyfile.files import files_with_tests, name_of, read
from reconciler.policyfile.grammar import TESTS
from reconciler.policyfile.load import PolicySet, load_policies, read_map
from reconciler.policyfile.validate import Location, conform, find, location_text
from reconciler.yamltree.tree import ListNode, MapNode, Node, ScalarNode, ScalarType, as_written

_OPENING = "a test of a policy starts with policy: NAME, then now: and images:"
_TIMES = ("now", "pushed", "created", "first_seen", "untagged_since", "tagged_since")
"""Keys whose value is a time, which authors write without quotes."""


class PolicyTestError(PolicyProblems):
    """Tests of policies cannot be read; it has every problem of every file."""

    hint = "Correct the test and run `reconciler test` again."


@dataclass(frozen=True, slots=True)
class WrittenTest:
    """A test that can be run.

    Shape: `lines` has the line of each image and, if the test has it, the line of `guards`.
    Units: lines count from 1.
    """

    path: str
    policy: Policy
    test: PolicyTest
    lines: tuple[int, ...]


def load_tests(paths: Sequence[Path]) -> list[WrittenTest]:
    """Return the tests named, and all below the directories named.

    The policy of a test is searched beside it: in the policy files of its own directory and of
    the directories below.

    Raises: PolicyTestError, with all problems of the tests; PolicyProblems, with those of the
        policies beside them.
    """
    # Several tests in one directory share its policies, which are read once.
    policies_of = cache(lambda directory: load_policies([directory]))
    tests: list[WrittenTest] = []
    problems: list[Problem] = []
    for file in files_with_tests(paths):
        policies = policies_of(file.parent)
        try:
            tests.append(read_test(name_of(file), read(file), policies))
        except PolicyProblems as error:
            problems.extend(error.problems)
    if problems:
        raise PolicyTestError(problems)
    return tests


def read_test(path: str, content: bytes, policies: PolicySet) -> WrittenTest:
    """Read one test from its bytes.

    Raises: PolicyProblems, with everything that is wrong with it.
    """
    root = _with_times(read_map(path, content, _OPENING))
    test = conform(path, root, PolicyTest, TESTS)
    # A misspelled policy or rule would make a test that always fails, so it is an error instead.
    known = {policy.name: policy for policy in policies.policies}
    if test.policy not in known:
        raise PolicyProblems([_unknown_name(path, root, ("policy",), "policy here", [*known])])
    policy = known[test.policy]
    names = [part.name for part in policy.protect] + [rule.name for rule in policy.rules]
    deciders = [*map(str, names), *map(str, Cause)]
    noun = f"rule, protection or cause of policy {policy.name}"
    unknown_names = [
        _unknown_name(path, root, ("images", position, "by"), noun, deciders)
        for position, image in enumerate(test.images)
        if image.by and image.by not in deciders
    ]
    if unknown_names:
        raise PolicyProblems(unknown_names)
    places: list[Location] = [("images", position) for position in range(len(test.images))]
    if test.guards:
        places.append(("guards",))
    lines = tuple(find(root, place).node.place.line for place in places)
    return WrittenTest(path, policy, test, lines)


def _unknown_name(
    path: str, root: MapNode, location: Location, noun: str, names: Sequence[str]
) -> Problem:
    """Return the problem of a name that does not exist, with the names that do."""
    node = find(root, location).node
    name = as_written(node)
    near = get_close_matches(name.strip("'"), names, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(names)}"
    return Problem(
        path, *node.place, location_text(root, location), f"no {noun} is called {name}; {remedy}"
    )


def _with_times(root: MapNode) -> MapNode:
    """Read unquoted times under these keys as text, which the model parses by its own grammar."""
    pairs: list[tuple[Node, Node]] = []
    for key, value in root.entries:
        match key, value:
            # Elsewhere a date is refused where a text is expected.
            case ScalarNode(text=name), ScalarNode(type=ScalarType.DATE) if name in _TIMES:
                pairs.append((key, replace(value, type=ScalarType.TEXT)))
            # The times of images are one level below, in the list `images`.
            case _, ListNode(entries=entries):
                timed = (_with_times(e) if isinstance(e, MapNode) else e for e in entries)
                pairs.append((key, replace(value, entries=tuple(timed))))
            case _:
                pairs.append((key, value))
    return replace(root, entries=tuple(pairs))
