"""A tree held against the model: the policies, or everything that is wrong with them."""

from itertools import islice
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from reconciler.model.policy import PolicyFile
from reconciler.model.problems import PolicyProblems, Problem
from reconciler.policyfile.grammars import POLICIES
from reconciler.policyfile.keys import Grammar
from reconciler.policyfile.places import find, location_text
from reconciler.policyfile.plain import oddities, plain
from reconciler.policyfile.reporting import MAX_PROBLEMS, problems_of
from reconciler.yamltree.nodes import MapNode, ScalarNode, Sense, walk
from reconciler.yamltree.scalars import as_written

Model = TypeVar("Model", bound=BaseModel)

MAX_EXPRESSIONS = 300
"""Most different regular expressions in one file; each may take a millisecond to compile."""


def validate(path: str, root: MapNode) -> PolicyFile:
    """Return the policies of a tree.

    Raises: PolicyProblems, with everything that is wrong with it.
    """
    _refuse_other_versions(path, root)
    _refuse_many_expressions(path, root)
    return conform(path, root, PolicyFile, POLICIES)


def conform(path: str, root: MapNode, model: type[Model], grammar: Grammar) -> Model:
    """Hold a tree against the model of its kind of file.

    Raises: PolicyProblems, with everything that is wrong with it.
    """
    odd = [
        Problem(path, *oddity.node.place, location_text(root, oddity.location), oddity.message)
        for oddity in islice(oddities(root), MAX_PROBLEMS)
    ]
    try:
        file = model.model_validate(plain(root), by_name=False, by_alias=True)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise PolicyProblems([*odd, *problems_of(path, root, grammar, errors)]) from error
    if odd:
        raise PolicyProblems(odd)
    return file


def _refuse_other_versions(path: str, root: MapNode) -> None:
    """Stop at a file written in another version of the language; its keys would mislead."""
    found = find(root, ("version",))
    if not found.location or found.node == ScalarNode(found.node.place, "1", Sense.NUMBER):
        return
    words = f"this reconciler reads version: 1 of the language; got {as_written(found.node)}"
    raise PolicyProblems([Problem(path, *found.node.place, "version", words)])


def _refuse_many_expressions(path: str, root: MapNode) -> None:
    written = [
        value
        for _, node in walk(root)
        if isinstance(node, MapNode)
        for _, value in [node.by_name.get("regex", (node, node))]
        if isinstance(value, ScalarNode)
    ]
    if len({scalar.text for scalar in written}) > MAX_EXPRESSIONS:
        words = f"the file has more than {MAX_EXPRESSIONS} regular expressions; split it"
        raise PolicyProblems([Problem(path, *written[-1].place, "", words)])
