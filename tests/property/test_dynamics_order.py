"""Messages of Dataverse with pre-images: delivered in any order, any number of times, they end in the same work."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taskhub.connectors.dynamics.inbound import DynamicsInbound
from taskhub.connectors.inbound import HookRequest
from taskhub.events.model import Event
from taskhub.policy.policies import Connection
from taskhub.policy.rule import Condition, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.rules.plan import plan
from taskhub.sales.projection import project
from tests.property.test_order_independence import RULES as OTHERS
from tests.property.test_order_independence import Desk, LiveDesk
from tests.unit.connectors.dataverse import (
    DEAL,
    LEAD,
    OTHER_REP,
    REP,
    choice,
    create,
    date,
    money,
    qualifying,
    ref,
    update,
)

NOW = datetime(2026, 5, 5, tzinfo=UTC)
STAGES = {"11111111-0000-0000-0000-000000000001": "talk", "11111111-0000-0000-0000-000000000002": "offer"}
CONNECTION = Connection("crm", "dynamics", LocalText("CRM"), stages={"lead": STAGES, "deal": STAGES})
RULES = (
    *OTHERS,
    Rule(
        "worth",
        ("lead.converted",),
        when=(Condition("lead.amount", "gte", 500),),
        tasks=(TaskTemplate("invoice", "Invoice {lead.amount}"),),
    ),
)
NOUN = {"lead": ("estimatedamount", "subject"), "opportunity": ("estimatedvalue", "name")}
ENDINGS = {
    "lead": [(0, 1), (0, 2), (1, 3), (2, 4), (2, 5)],
    "opportunity": [(0, 1), (0, 2), (1, 3), (2, 4), (2, 5)],
}


def read(value: dict[str, Any]) -> Event:
    request = HookRequest(json.dumps(value).encode(), NOW)
    [delivery] = DynamicsInbound().split_and_normalise(request, CONNECTION)
    assert delivery.event is not None, delivery.reason
    return delivery.event


@dataclass
class RowInTheirs:
    """One row over there: what it holds now, as an image shows it (what is empty is left out)."""

    entity: str
    id: str
    values: dict[str, Any]

    def image(self) -> dict[str, Any]:
        return {name: value for name, value in self.values.items() if value is not None}


def columns(draw: st.DrawFn, entity: str) -> dict[str, Any]:
    amount, title = NOUN[entity]
    state, reason = draw(st.sampled_from(ENDINGS[entity]))
    drawn: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                amount: st.sampled_from([money(100), money(700.5), money(2000)]),
                title: st.sampled_from(["Press", "Mill", None]),
                "ownerid": st.sampled_from([ref("systemuser", REP), ref("systemuser", OTHER_REP)]),
                "stageid": st.sampled_from([*STAGES, None]),
                "state": st.just((choice(state), choice(reason))),
            },
        )
    )
    if "state" in drawn:
        drawn["statecode"], drawn["statuscode"] = drawn.pop("state")
    return drawn


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Event], list[int]]:
    """Messages about a lead and its deal as their rows really move, and an order in which each comes 1 to 3 times."""
    whole = {"statecode": choice(0), "statuscode": choice(1), "ownerid": ref("systemuser", REP)}
    rows = [RowInTheirs("lead", LEAD, {}), RowInTheirs("opportunity", DEAL, {})]
    second, events = 0, []
    with_versions = draw(st.booleans())
    for number in range(draw(st.integers(3, 8))):
        one = draw(st.sampled_from(rows))
        second += draw(st.sampled_from([0, 0, 1, 60, 86_400]))
        given_ = columns(draw, one.entity)
        clock = {"OperationCreatedOn": date(second + number / 100), "OperationId": f"{number:0>8}{LEAD[8:]}"}
        more = {**clock, "CorrelationId": f"{number:0>8}{REP[8:]}"}
        if not one.values:
            one.values = {**whole, **given_}
            events.append(read(create(one.entity, one.id, one.values, second, **more)))
            continue
        before = one.image()
        one.values |= given_
        version = {"version": str(9_990 + number)} if with_versions else {}
        parent = {"ParentContext": {**qualifying(), "CorrelationId": more["CorrelationId"]}}
        more |= parent if one.entity == "lead" and draw(st.booleans()) else {}
        events.append(read(update(one.entity, one.id, given_, before, second, **more, **version)))
    deliveries = [index for index in range(len(events)) for _ in range(draw(st.integers(1, 3)))]
    return events, draw(st.permutations(deliveries))


class DynamicsDesk(LiveDesk):
    """Under rules that look at what these messages carry."""

    rules = RULES


@given(histories())
def test_any_order_and_any_number_of_deliveries_end_in_the_same_work(history: tuple[list[Event], list[int]]) -> None:
    events, order = history
    assert all(event.states_change for event in events)
    in_order, shuffled, live = DynamicsDesk(), DynamicsDesk(), DynamicsDesk()
    for event in events:
        in_order.deliver(event)
    for index in order:
        shuffled.deliver(events[index])
    for index in [*order, *order]:
        live.deliver(events[index])
    assert shuffled.result() == in_order.result()
    assert live.ended == in_order.result()[2]


@given(histories())
def test_what_is_known_in_the_end_is_what_they_have(history: tuple[list[Event], list[int]]) -> None:
    events, order = history
    desk = Desk()
    for index in order:
        desk.deliver(events[index])
    for ref_, state in desk.records.items():
        last = [event for event in events if event.record == ref_]
        if last:
            newest = max(last, key=lambda event: event.version).data[ref_.noun]
            shown = {name: state.fields.get(name) for name in newest if name not in ("id", "lost_reason")}
            assert shown == {name: value for name, value in newest.items() if name in shown}


def test_the_call_of_qualifying_and_the_update_make_one_set_of_work() -> None:
    values = {"statecode": choice(1), "statuscode": choice(3), "subject": "Press", "estimatedamount": money(700)}
    before = {"statecode": choice(0), "statuscode": choice(1)}
    child = read(update("lead", LEAD, values, before, 1, ParentContext=qualifying()))
    call = read({**qualifying(), "OperationId": OTHER_REP})
    results = []
    for order in ([child, call], [call, child], [child, call, call, child]):
        desk = DynamicsDesk()
        for event in order:
            desk.deliver(event)
        results.append(desk.result())
    assert results[0] == results[1] == results[2]
    assert {"contract", "invoice"} <= {task.kind for task in results[0][1].values()}
    assert len(results[0][1]) <= 3


def test_an_update_before_its_creation_creates_nothing_twice() -> None:
    """Without a pre-image: the late creation fires once, and what the update ended is ended."""
    made = read(create("lead", LEAD, {"statecode": choice(0), "statuscode": choice(1)}, 0, OperationId=REP))
    lost = read(update("lead", LEAD, {"statecode": choice(2), "statuscode": choice(4)}, None, 5))
    assert not lost.states_change
    results = []
    for order in ([made, lost], [lost, made]):
        desk = LiveDesk()
        for event in order:
            desk.deliver(event)
        [qualify] = desk.tasks.values()
        [ended] = desk.ended.values()
        assert ended is not None
        results.append((qualify, ended.reason, {ref_: state.fields for ref_, state in desk.records.items()}))
    assert results[0] == results[1]


def test_a_state_told_twice_is_no_change() -> None:
    values = {"statecode": choice(2), "statuscode": choice(4)}
    made = read(create("lead", LEAD, {"statecode": choice(0), "statuscode": choice(1)}))
    first = read(update("lead", LEAD, values, None, 5, OperationId=REP))
    second = read(update("lead", LEAD, values, None, 9, OperationId=OTHER_REP))
    state, _ = project(None, made)
    state, changes = project(state, first)
    assert plan(first, changes, {}, RULES, {}).closings
    state, changes = project(state, second)
    assert changes.reason == "no_change"
    _, changes = project(state, first)
    assert changes.reason == "stale"
