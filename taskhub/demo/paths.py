"""The way of leads and deals through the organisation's pipelines, as far as the story needs it. Pure."""

from __future__ import annotations

from taskhub.demo.crm.office import Paths
from taskhub.policy.policies import Policies

STAGES = {"lead": ("new", "qualified"), "deal": ("proposal", "signature")}
REASON, PIPELINE = "other", "sales"


def paths_of(policies: Policies) -> Paths:
    """The first pipeline of each noun; an organisation without one gets the plainest."""
    first = {noun: next((one for one in policies.pipelines.values() if one.noun == noun), None) for noun in STAGES}
    return Paths(
        {noun: tuple(s.key for s in one.stages) if one and one.stages else STAGES[noun] for noun, one in first.items()},
        {noun: tuple(one.lost_reasons) if one and one.lost_reasons else (REASON,) for noun, one in first.items()},
        first["deal"].key if first["deal"] else PIPELINE,
    )
