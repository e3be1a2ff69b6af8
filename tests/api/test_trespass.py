"""Ways in that were found by trying: none of them opens what is not the caller's, or holds the house up."""

from datetime import UTC, datetime, timedelta

from taskhub.testing.drain import drain
from tests.api.house import House

DEAL = {"id": "S-2", "title": "Secret", "amount": 9, "currency": "EUR", "owner": "rex"}


def told(house: House, id_: str, **more: object) -> dict[str, object]:
    event = {"specversion": "1.0", "id": id_, "source": "crm", "type": "deal.stage_changed", "subject": "S-2", **more}
    return house.of("integration").ok("POST", "/api/v1/events", {**event, "data": {"deal": {**DEAL, "stage": "x"}}})


def test_a_task_made_by_hand_opens_no_record_to_its_maker(house: House) -> None:
    told(house, "e1")
    drain(house.db)
    zoe = house.of("zoe")
    assert zoe.request("GET", "/api/v1/deals/S-2").status_code == 404
    zoe.ok("POST", "/api/v1/tasks", {"kind": "billing", "title": "mine", "deal": "S-2"})
    assert zoe.request("GET", "/api/v1/deals/S-2").status_code == 404


def test_an_event_from_the_future_waits_for_somebody_to_look(house: House) -> None:
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    sent = told(house, "e2", time=soon)["events"][0]  # type: ignore[index]
    drain(house.db)
    seen = house.of("admin").ok("GET", f"/api/v1/events/{sent['event_id']}")
    assert (seen["state"], seen["reason"]) == ("quarantined", "time_in_future")


def test_a_calendar_larger_than_a_real_one_is_refused(house: House) -> None:
    day = [
        f"{minute // 60:02}:{minute % 60:02}-{minute // 60:02}:{minute % 60 + 1:02}" for minute in range(0, 1440, 10)
    ]
    calendar = {"tz": "UTC", "weekly": dict.fromkeys(("mon", "tue"), day)}
    body = {"calendar": calendar, "start": "2026-01-05T00:00:00Z", "budget_s": 1e7, "pauses": []}
    answer = house.of("zoe").request("POST", "/api/v1/calendars/preview", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "calendar_invalid")
    assert answer.json()["errors"][0]["path"] == "weekly.mon"
