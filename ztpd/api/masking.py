"""Keeping the secret parameters of jobs out of answers, and what stands for them out of orders."""

from collections.abc import Mapping
from typing import Any, Final

from ztpd.api.problems import Item
from ztpd.domain.model import JobBody
from ztpd.domain.profile import Profile

MASK: Final = "***"


def masked(job: Mapping[str, Any], profiles: Mapping[str, Profile]) -> dict[str, Any]:
    """A shown job with only those parameters in the open that its profile declares and does not call secret.

    What the profile does not declare may be a secret under a misspelt name; without the profile nothing is known.
    """
    profile = profiles.get(job["profile"])
    declared = frozenset(profile.parameters) - profile.secrets if profile is not None else frozenset[str]()
    parameters = {name: value if name in declared else MASK for name, value in job["parameters"].items()}
    return {**job, "parameters": parameters}


def mask_problems(body: JobBody) -> list[Item]:
    """Every parameter of an order that is the mask of an earlier answer instead of a value."""
    return [
        Item(
            field=f"parameters.{name}", problem=f"{MASK} stands for a value that is not shown", remedy="send the value"
        )
        for name, value in body.parameters.items()
        if value == MASK
    ]
