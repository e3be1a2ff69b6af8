"""What clients send about duplicates, as the OpenAPI page shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from taskhub.http.inputs import Body, Line

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
