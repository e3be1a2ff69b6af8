"""Why a task is due when it is: every stretch of its time, while it is open, when it has ended, and in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import insert

from taskhub.acts import activate
from taskhub.assignment import service as assignment
from taskhub.calendars import BusinessCalendar, Opening, parse_target
from taskhub.db.tables import pause
from taskhub.errors import Forbidden, InvalidInput, NotFound
from taskhub.policy.policies import Policies
from taskhub.policy.promise import PauseReason, SlaPolicy
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.sla import Entry, wording
from taskhub.tasks import explained
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

PARIS = BusinessCalendar(
    "office", "Europe/Paris", org.OFFICE, holidays=frozenset({date(2026, 3, 4)}),
    breaks={date(2026, 3, 3): [Opening.parse("12:00-13:00")]},
)  # fmt: skip


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    """On clocks in Paris."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=1)


def policies() -> Policies:
    plain = org.policies()
    reasons = {
        **plain.pause_reasons,
        "bank": PauseReason("bank", LocalText("the bank", {"fr": "la banque"}), stops_clock=True),
    }
    both = SlaPolicy("both", parse_target("2 working days, end of day"), first_start=parse_target("2h"))
    return org.replace(
        plain, calendars={**plain.calendars, "office": PARIS}, pause_reasons=reasons, sla={**plain.sla, "both": both},
        kinds={**plain.kinds, "reply": Kind("reply", LocalText("Reply"), "front", sla="both")},
    )  # fmt: skip


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    yield from _desk(sqlite_url)


def _desk(url: str) -> Iterator[Desk]:
    made = Desk(url, policies())
    made.clock.now = at(9)
    made.staff("front", "ana", "bob")
    yield made
    made.db.close()


def explain(desk: Desk, id_: str, language: str = "en") -> dict[str, Any]:
    with desk.db.read() as tx:
        return explained.explain(tx, id_, language)


def adds_up(clock: dict[str, Any], begin: datetime, end: datetime) -> bool:
    """No gap, no overlap, and the sums are those of the intervals."""
    spans = [(one["from"], one["to"]) for one in clock["intervals"]]
    whole = (spans[0][0], spans[-1][1]) == (begin, end) and all(a[1] == b[0] for a, b in pairwise(spans))
    counted = sum((one["to"] - one["from"]).total_seconds() for one in clock["intervals"] if one["counted"])
    parts = clock["counted_s"] + clock["paused_s"] + clock["closed_s"]
    return whole and counted == clock["counted_s"] and parts == clock["total_s"] == (end - begin).total_seconds()


def test_every_stretch_with_why_reason_and_by(desk: Desk) -> None:
    id_, token = desk.started("ana", "reply")
    desk.clock.now = at(16)
    desk.do("ana", tasks.pause, id_, "bank", at(10, day=3), token)
    desk.clock.now = at(10, day=3)
    desk.drain()
    desk.clock.now = at(14, day=5)
    said = explain(desk, id_)
    assert (said["time_zone"], said["calendar"], said["policies"]) == ("Europe/Paris", "office", "test")
    completion, first = said["clocks"]
    assert adds_up(completion, at(9), at(14, day=5))
    assert [(one["why"], one["reason"], one["by"]) for one in completion["intervals"]] == [
        ("open", None, None), ("paused", "bank", "agent:ana"), ("closed", None, None), ("paused", "bank", "agent:ana"),
        ("open", None, None), ("break", None, None), ("open", None, None), ("closed", None, None),
        ("holiday", None, None), ("closed", None, None), ("open", None, None),
    ]  # fmt: skip
    # Thursday's closing, and two open hours that the pause has earned.
    assert (completion["promise"], completion["due_at"]) == ("2 working days, end of day", at(11, day=6))
    assert (completion["counted_s"], completion["paused_s"], completion["waited_s"]) == (64_800, 7_200, 72_000)
    assert (first["target"], first["promise"], first["state"], first["total_s"]) == ("first_start", "2h", "met", 0)


def test_what_must_be_begun_soon_goes_first(desk: Desk) -> None:
    """Due in two days, but promised to be begun by 11: before work that is due at 13."""
    plain, soon = desk.make(), desk.make("reply")
    assert (desk.task(plain).start_by, desk.task(soon).start_by) == (at(12, 45), at(11))
    assert desk.claim("ana").task.id == soon
    desk.do("ana", tasks.release, soon, "not mine", desk.token(soon))
    assert desk.clock_of(soon, "first_start").met_at == at(9)


def test_words_in_two_languages(lite: Desk) -> None:
    id_, token = lite.started("ana", "reply")
    lite.do("ana", tasks.pause, id_, "bank", at(10, day=3), token)
    lite.clock.now = at(10)
    for language, said in (
        ("en", "Paused by ana (the bank): it did not count."),
        ("fr", "Suspendue par ana (la banque)\u00a0: ce temps n’a pas compté."),
    ):
        clock = explain(lite, id_, language)["clocks"][0]
        assert [one["text"] for one in clock["intervals"]] == [said]
        assert clock["state_text"] == {"en": "clock stopped", "fr": "délai suspendu"}[language]


@pytest.mark.parametrize("language", wording.LANGUAGES)
@pytest.mark.parametrize("why", ["open", "closed", "break", "holiday", "paused"])
def test_every_reason_has_a_sentence(why: str, language: str) -> None:
    entry = Entry(at(9), at(10), why == "open", why, "odd", "worker")
    said = wording.sentence(entry, lambda _reason: None, language)
    assert said.endswith(".")
    assert ("odd" in said) == (why in ("open", "paused"))
    plain = wording.sentence(Entry(at(9), at(10), why == "open", why), lambda _reason: None, language)
    assert "{" not in plain


def test_ended_work_is_explained_by_the_set_it_ended_under(desk: Desk) -> None:
    done, token = desk.started("ana")
    gone = desk.make()
    desk.clock.now = at(11)
    desk.do("ana", tasks.complete, done, token)
    desk.do("admin", tasks.cancel, gone, "no need")
    longer = {day: [Opening.parse("06:00-22:00")] for day in org.OFFICE}
    other = org.replace(
        desk.policies, hash="second", sla={"standard": SlaPolicy("standard", parse_target("1h"))},
        kinds={key: kind for key, kind in desk.policies.kinds.items() if key != "reply"},
        calendars={**desk.policies.calendars, "office": BusinessCalendar("office", "UTC", longer)},
    )  # fmt: skip
    desk.db._loader = lambda texts, _resolved: other if texts else desk.policies
    desk.do("admin", activate.activate, other, {"set": "second"})
    desk.clock.now = at(9, day=9)
    desk.drain()
    for id_, state in ((done, "met"), (gone, "cancelled")):
        said = explain(desk, id_)
        (clock,) = said["clocks"]
        assert (said["policies"], said["time_zone"], clock["promise"], clock["state"]) == (
            "test", "Europe/Paris", "4h", state,
        )  # fmt: skip
        assert adds_up(clock, at(9), at(11))
        assert (clock["due_at"], clock["counted_s"], clock["remaining_s"]) == (at(13), 7200, 7200)


def test_work_that_waits_for_others_has_no_clock_yet(lite: Desk) -> None:
    assert explain(lite, lite.make(delay=timedelta(hours=3)))["clocks"] == []
    with pytest.raises(NotFound):
        explain(lite, "nope")


def test_pauses_that_overlap_count_once_and_say_by_whom(lite: Desk) -> None:
    """A row that should not be there: written by hand, or by a restored backup."""
    id_, token = lite.started("ana")
    lite.clock.now = at(10)
    lite.do("ana", tasks.pause, id_, "bank", None, token)
    with lite.db.begin() as tx:
        row = {"task": id_, "from_at": at(10, 30), "to_at": at(12), "reason": "bank", "by": "agent:bob"}
        tx.conn.execute(insert(pause).values(**row, stops_clock=True))
    lite.clock.now = at(11)
    lite.do("ana", tasks.resume, id_)
    lite.clock.now = at(13)
    (clock,) = explain(lite, id_)["clocks"]
    assert adds_up(clock, at(9), at(13))
    assert [(one["why"], one["by"]) for one in clock["intervals"]] == [
        ("open", None), ("paused", "agent:ana"), ("paused", "agent:bob"), ("open", None),
    ]  # fmt: skip
    assert (clock["due_at"], lite.task(id_).due_at) == (at(15), at(15))


# ── dates by hand ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_only_a_manager_moves_a_due_time_and_history_says_from_what(desk: Desk) -> None:
    id_, _ = desk.started("ana")
    version = desk.task(id_).version
    with pytest.raises(Forbidden):
        desk.do("ana", tasks.patch, id_, version, {"due_at": at(16)})
    desk.do("admin", tasks.patch, id_, version, {"due_at": at(16)})
    change = desk.history(id_, "patch")[0]["change"]
    assert change["was"] == {"due_at": at(13).isoformat(), "explicit_due": False}
    (clock,) = explain(desk, id_)["clocks"]
    assert (clock["explicit"], clock["promise"], clock["due_at"]) == (True, None, at(16))
    token = desk.token(id_)
    desk.do("ana", tasks.pause, id_, "bank", at(9, day=9), token)
    assert desk.task(id_).due_at == at(16)
    desk.do("admin", tasks.patch, id_, desk.task(id_).version, {"due_at": None})
    assert (desk.task(id_).due_at, desk.task(id_).sla_state) == (None, "paused")


def test_a_date_by_hand_outlives_hand_over_and_reopening(lite: Desk) -> None:
    id_ = lite.make(due_at=at(11))
    lite.do("admin", assignment.assign, id_, "ana")
    lite.do("ana", assignment.hand_over, id_, "bob", "yours")
    token = lite.do("bob", tasks.start, id_)[1].token
    lite.clock.now = at(10)
    lite.do("bob", tasks.complete, id_, token)
    lite.clock.now = at(12)
    lite.do("admin", tasks.reopen, id_)
    assert (lite.task(id_).due_at, lite.task(id_).sla_state) == (at(11), "breached")


def test_a_pause_that_ends_before_it_begins_is_refused(lite: Desk) -> None:
    id_, token = lite.started("ana")
    with pytest.raises(InvalidInput) as wrong:
        lite.do("ana", tasks.pause, id_, "bank", at(8), token)
    assert wrong.value.stable_code == "until_in_past"
