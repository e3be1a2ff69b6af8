"""What duplicates have to say about a policy set. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from phonenumbers import SUPPORTED_REGIONS

from taskhub.errors import Problem
from taskhub.policy.policies import Policies


def check(policies: Policies) -> Iterator[Problem]:
    """A region must be one whose numbering plan is known."""
    region = policies.duplicates.region
    if region is not None and region not in SUPPORTED_REGIONS:
        message = f"there is no country {region!r}; name it as in ISO 3166, such as FR, DE or US."
        yield Problem("duplicates.toml", 0, "region", message, "GB" if region == "UK" else None)
