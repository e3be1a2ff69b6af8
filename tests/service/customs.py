"""A house into which files are brought: handed in, looked at, started, taken back, all of it run dry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from taskhub.db.tables_sales import RECORDS
from taskhub.importing import handing_in, service
from taskhub.importing.handing_in import File
from taskhub.importing.model import Refusal, Run
from taskhub.policy.policies import Policies
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.sales import queries as reports
from taskhub.testing import organisation as org
from tests.api.house import paths
from tests.service.desk import Desk


def policies(**more: Any) -> Policies:
    """Two paths, and rules that make a task of every new lead and two of every won deal."""
    called = Rule("called", on=("lead.created",), tasks=(TaskTemplate("billing", "Call {lead.name}"),))
    won = Rule("won", on=("deal.won",), tasks=(
        TaskTemplate("contract", "Contract for {deal.title}"), TaskTemplate("credit", "Check {deal.title}"),
    ))  # fmt: skip
    return org.policies(rules=(called, won), pipelines={line.key: line for line in paths()}, **more)


class Customs(Desk):
    """A desk with a gate for files."""

    def __init__(self, url: str, set_: Policies | None = None) -> None:
        super().__init__(url, set_ or policies())

    def file(self, noun: str, text: str | bytes, map_: Mapping[str, Any] | str | None = None) -> File:
        """The file as it would be read."""
        raw = text.encode() if isinstance(text, str) else text
        with self.db.read() as tx:
            return handing_in.look(tx, noun, "file.csv", lambda: iter([raw]), map_).whole()

    def handed_in(self, noun: str, text: str | bytes, map_: Mapping[str, Any] | str | None = None) -> Run:
        """A file that was looked at."""
        run = self.do("admin", service.hand_in, self.file(noun, text, map_))
        self.drain()
        return self.run(run.id)

    def brought(self, noun: str, text: str | bytes, map_: Mapping[str, Any] | str | None = None, **how: Any) -> Run:
        """A file that was brought in, whole."""
        run = self.handed_in(noun, text, map_)
        self.do("admin", service.start, run.id, **how)
        self.drain()
        return self.run(run.id)

    def undone(self, run: Run) -> Run:
        """An import that was taken back."""
        self.do("admin", service.undo, run.id)
        self.drain()
        return self.run(run.id)

    def run(self, id_: str) -> Run:
        """An import as it is."""
        with self.db.read() as tx:
            return service.get(tx, id_)

    def refusals(self, run: Run) -> list[Refusal]:
        """Its refused rows."""
        with self.db.read() as tx:
            return list(service.refusals(tx, run.id))

    def records(self, noun: str) -> dict[str, dict[str, Any]]:
        """The fields of every record of a noun, by id."""
        with self.db.read() as tx:
            rows = tx.conn.execute(select(RECORDS[noun]).where(RECORDS[noun].c.deleted.is_(False)))
            return {row.id: dict(row.fields) for row in rows}

    def owners(self, noun: str) -> dict[str, str | None]:
        """The CRM every record of a noun belongs to, by id."""
        with self.db.read() as tx:
            table = RECORDS[noun]
            return {row.id: row.connection for row in tx.conn.execute(select(table.c.id, table.c.connection))}

    def report(self, since: datetime, until: datetime) -> dict[str, dict[str, Any]]:
        """The progress of everybody, by pipeline."""
        with self.db.read() as tx:
            items = reports.of_owners(tx, None, since, until, list(tx.policies.pipelines.values()))
        return {item["pipeline"]: item for item in items}


def lost_rows(run: Run) -> int:
    """Rows of which nobody says what became of them."""
    return run.total - run.counts["new"] - run.counts["known"] - sum(run.counts["refused"].values())
