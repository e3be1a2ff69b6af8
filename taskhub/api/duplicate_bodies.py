"""What clients send about duplicates, as the OpenAPI page shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from taskhub.api.bodies import Ref
from taskhub.http.inputs import Body, Line, Version

Text = Annotated[str, Field(max_length=2_000)]
Record = Annotated[str, Field(min_length=3, max_length=220)]


class Draft(Body):
    """A record that is about to be made."""

    noun: Literal["lead", "contact", "account"] = "lead"
    name: Text | None = None
    company: Text | None = None
    email: Text | None = None
    phone: Text | None = None

    def told(self) -> dict[str, Any]:
        """Its fields."""
        return {name: getattr(self, name) for name in ("name", "company", "email", "phone")}


class Denial(Body):
    """Two records, as lead:ID; ``denied`` false takes back what was said of them."""

    records: Annotated[list[Record], Field(min_length=2, max_length=2)]
    denied: bool
    reason: Line | None = None


Choice = Annotated[dict[str, Ref], Field(max_length=200, default_factory=dict)]


class MergePreviewIn(Body):
    """``gone``: ids of the records that would go into this one; ``choose``: field → id of whose value wins."""

    gone: Annotated[list[Ref], Field(min_length=1, max_length=20)]
    choose: Choice


class MergeIn(MergePreviewIn):
    """The same, with the version of each record that was read: id → version, as the preview gives them."""

    versions: Annotated[dict[str, Version], Field(max_length=21)]
