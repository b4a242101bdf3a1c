"""What a policy of a single rule says of a few images."""

from reconciler.model.inventory import Version
from tests.support.inventories import decisions, image, name_of


def said(rule: str, *versions: Version) -> dict[str, str]:
    """Return what the only rule says of each image, by name."""
    decided = decisions(f"rules: [{{name: r, {rule}}}]", *versions).images
    return {name_of(d): one.opinions[0].reason for d, one in decided.items() if one.opinions}


def kept(rule: str, *versions: Version, zone: str = "UTC") -> list[str]:
    """Return the names of the images that the only rule keeps, sorted."""
    decided = decisions(f"timezone: {zone}\nrules: [{{name: r, {rule}}}]", *versions).images
    return [name_of(d) for d, one in decided.items() if any(o.keeps for o in one.opinions)]


def aged(*ages: str) -> list[Version]:
    """Build images named by letters, one for each age, tagged `sha-a` and so on."""
    return [
        image(name, f"sha-{name}", age=age, tagged_since=age)
        for name, age in zip("abcdefgh", ages, strict=False)
    ]
