"""The task a rep asks for with one press: what kind it is, and what it is called. Pure."""

from __future__ import annotations

from taskhub.policy.policies import Policies
from taskhub.sales.fields import invalid
from taskhub.sales.model import RecordState
from taskhub.sales.path import pipeline_of


def kind_and_title(
    about: RecordState, kind: str | None, title: str | None, policies: Policies
) -> tuple[str, str]:  # fmt: skip
    """The kind named, else the one of the record's pipeline. Raises InvalidInput where there is neither."""
    line = pipeline_of(about.ref.noun, about.fields, policies, lenient=True)
    chosen = kind or (line.follow_up if line else None)
    if chosen is None:
        raise invalid([("kind", "is missing: this pipeline names no kind of follow-up")], "unknown_kind")
    known = policies.kinds.get(chosen)
    of = next((about.fields[name] for name in ("company", "title", "name") if about.fields.get(name)), None)
    name = str(known.name) if known else chosen
    return chosen, title or (f"{name}: {of}" if of else name)
