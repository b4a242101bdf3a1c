"""Scenarios from a table: graphs of images and indexes, with and without companions, by what goes.

An image beside them that nothing lets go is always there: GitHub keeps the last tagged version.
"""

from collections.abc import Iterator, Mapping, Sequence

from tests.support.scenarios import Scenario

GRAPHS: Mapping[str, str] = {
    "one image": """
        40d  a  image              @ a
    """,
    "an index of tagged images": """
        40d  a  image              @ a
        40d  b  image linux/arm64  @ b
        40d  x  index a b          @ x
    """,
    "two indexes that share a tagged image": """
        40d  a  image              @ a
        40d  b  image linux/arm64  @ b
        40d  c  image linux/s390x  @ c
        40d  x  index a b          @ x
        40d  y  index b c          @ y
    """,
    "two tagged indexes that share an image": """
        40d  a  image
        40d  b  image linux/arm64
        40d  c  image linux/s390x
        40d  x  index a b          @ x
        40d  y  index b c          @ y
    """,
    "a tagged and an untagged index that share an image": """
        40d  a  image
        40d  b  image linux/arm64
        40d  c  image linux/s390x  @ c
        40d  x  index a b
        40d  y  index b c          @ y
    """,
}

DELETED: Mapping[str, Mapping[str, str]] = {
    "the tag of an image": {
        "one image": "a",
    },
    "the tag of an index": {
        "an index of tagged images": "x",
        "two indexes that share a tagged image": "x",
        "two tagged indexes that share an image": "x a",
    },
    "the tags of an image and of an index": {
        "one image": "a",
        "an index of tagged images": "x a",
        "two indexes that share a tagged image": "x a",
        "two tagged indexes that share an image": "x a",
    },
    "what is untagged": {
        "a tagged and an untagged index that share an image": "x a",
    },
}
"""What goes, by what the policy lets go and by graph; nothing where no graph is named."""

_MATCHES: Mapping[str, Mapping[str, object]] = {
    "the tag of an image": {"tags": ["a"]},
    "the tag of an index": {"tags": ["x"]},
    "the tags of an image and of an index": {"tags": ["a", "x"]},
    "what is untagged": {"untagged": True},
}


def matrix() -> Iterator[Scenario]:
    """Yield a scenario for each graph, plain and accompanied, and each choice of what goes."""
    for choice, deleted in DELETED.items():
        for graph, table in GRAPHS.items():
            base = set(deleted.get(graph, "").split())
            title = f"{graph}, of which {choice} goes"
            yield _scenario(title, choice, table.strip().splitlines(), base)
            lines, owners = _accompanied(table)
            following = {name for name, owner in owners.items() if owner in base}
            yield _scenario(f"{title}, signed and attested", choice, lines, base | following)


def _accompanied(table: str) -> tuple[list[str], Mapping[str, str]]:
    """Sign everything and attest each platform in each index; return who belongs to whom."""
    lines: list[str] = []
    owners: dict[str, str] = {}
    for line in table.strip().splitlines():
        what, _, tags = line.partition("@")
        _, name, kind, *words = what.split()
        proofs = [f"proof-{name}-{child}" for child in words] if kind == "index" else []
        lines += [f"40d {proof} attestation {proof[-1]}" for proof in proofs]
        lines += [f"{what} {' '.join(proofs)} @ {tags}", f"40d sig-{name} signature {name}"]
        owners |= {**dict.fromkeys(proofs, name), f"sig-{name}": name}
    return lines, owners


def _scenario(title: str, choice: str, lines: Sequence[str], deleted: set[str]) -> Scenario:
    pushed = {line.split()[1] for line in lines}
    rule = {"name": "rule", "match": _MATCHES[choice], "keep": {"none": True}}
    # Provenance belongs to the index that lists it, and goes with it, whatever its image does.
    proofs = {name[-1]: name for name in deleted if name.startswith("proof-")}
    return Scenario.model_validate(
        {
            "name": title,
            "push": "\n".join([*lines, "40d dummy image @ keep-dummy"]),
            "policy": {"rules": [rule], "guards": {"max_delete_percent": 100}},
            "deleted": " ".join(deleted),
            "kept": " ".join({*pushed, "dummy"} - deleted),
            "ends": {"deleted": len(deleted)},
            "bereaved": {child: proof for child, proof in proofs.items() if child not in deleted},
        }
    )
