"""The task a rep asks for with one press: what kind it is, and what it is called. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from taskhub.policy.policies import Policies
from taskhub.sales.fields import invalid
from taskhub.sales.model import RecordState
from taskhub.sales.path import pipeline_of


def kind_and_title(
    about: Sequence[RecordState], kind: str | None, title: str | None, policies: Policies
) -> tuple[str, str]:  # fmt: skip
    """The kind named, else that of the first record's pipeline, else of the next. Raises InvalidInput without any."""
    lines = (pipeline_of(one.ref.noun, one.fields, policies, lenient=True) for one in about)
    chosen = kind or next((line.follow_up for line in lines if line is not None and line.follow_up), None)
    if chosen is None:
        raise invalid([("kind", "is missing: this pipeline names no kind of follow-up")], "unknown_kind")
    known = policies.kinds.get(chosen)
    said = about[0].fields
    of = next((said[name] for name in ("company", "title", "name") if said.get(name)), None)
    name = str(known.name) if known else chosen
    return chosen, title or (f"{name}: {of}" if of else name)
