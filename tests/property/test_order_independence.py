"""Events that state their own changes: delivered in any order, any number of times, they end in the same work."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from hypothesis import given
from hypothesis import strategies as st

from taskhub.events.cloudevents import read_structured
from taskhub.events.model import Event, RecordRef
from taskhub.policy.rule import Condition, Raise, Rule, TaskTemplate
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.rules.effects import applies_to, hits, older
from taskhub.rules.model import Effect, TaskDraft
from taskhub.rules.plan import plan
from taskhub.sales.model import RecordState
from taskhub.sales.projection import apply_fields, project, side_statements

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
STAGES = ("new", "talk", "offer")
KINDS = {key: Kind(key, LocalText(key.title()), "desk") for key in ("qualify", "offer", "contract", "invoice", "check")}
RULES = (
    Rule("qualify", ("lead.created",), tasks=(TaskTemplate("qualify", "Qualify {lead.name}"),)),
    Rule(
        "offer",
        ("lead.stage_changed",),
        when=(Condition("lead.stage", "changed_to", "offer"),),
        tasks=(TaskTemplate("offer", "Offer, was {lead.name}"),),
    ),
    Rule("greet", ("lead.stage_changed",), tasks=(TaskTemplate("check"),), once_per="record"),
    Rule("lost", ("lead.lost",), close=("*",), close_reason="lost"),
    Rule("again", ("lead.reopened",), tasks=(TaskTemplate("qualify", "Qualify again"),)),
    Rule(
        "converted",
        ("lead.converted",),
        complete=("qualify",),
        tasks=(TaskTemplate("contract"), TaskTemplate("check", share=0.5)),
    ),
    Rule(
        "won",
        ("deal.won",),
        when=(Condition("deal.amount", "gte", 500),),
        tasks=(TaskTemplate("invoice", raises=(Raise((Condition("deal.amount", "gte", 900),), level=4),)),),
    ),
    Rule("deal lost", ("deal.lost",), close=("contract", "invoice"), close_reason="lost"),
)


@dataclass
class Desk:
    """Intake, projection and tasks in memory: unique deliveries, unique origins, remembered closings."""

    seen: set[tuple[str, str]] = field(default_factory=set)
    records: dict[RecordRef, RecordState] = field(default_factory=dict)
    tasks: dict[str, TaskDraft] = field(default_factory=dict)
    remembered: list[Effect] = field(default_factory=list)
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def deliver(self, event: Event) -> None:
        if (event.source, event.external_id) in self.seen:
            return
        self.seen.add((event.source, event.external_id))
        assert event.record is not None
        state, changes = project(self.records.get(event.record), event)
        self.records[event.record] = state
        for ref, fields in side_statements(event).items():
            self.records[ref] = apply_fields(self.records.get(ref), ref, fields, event.version)
        known = {ref.noun: record.fields for ref, record in self.records.items()}
        result = plan(event, changes, known, self.rules, KINDS)
        self.remembered += [*result.closings, *result.completions]
        for draft in result.drafts:
            self.tasks[draft.origin] = older(self.tasks.get(draft.origin, draft), draft)

    def result(self) -> tuple[Any, ...]:
        ended = {origin: applies_to(self.remembered, draft) for origin, draft in self.tasks.items()}
        return self.records, self.tasks, ended


@dataclass
class LiveDesk(Desk):
    """The same with tasks that end when it happens, as a store has to do it."""

    ended: dict[str, Effect | None] = field(default_factory=dict)

    def deliver(self, event: Event) -> None:
        tasks, effects = dict(self.tasks), len(self.remembered)
        super().deliver(event)
        for origin, draft in self.tasks.items():
            if tasks.get(origin) != draft:
                self.ended[origin] = applies_to(self.remembered, draft)
            elif new := [effect for effect in self.remembered[effects:] if hits(effect, draft)]:
                self.ended[origin] = min([*new, *filter(None, [self.ended[origin]])], key=lambda effect: effect.version)


def lead_data(lead: str) -> st.SearchStrategy[dict[str, Any]]:
    optional = {
        "email": st.none() | st.sampled_from(["a@example.org", "b@example.org"]),
        "amount": st.integers(0, 2_000),
        "owner": st.sampled_from(["ana", "bob"]),
    }
    name = st.sampled_from(["Acme", "Zenith"])
    return st.fixed_dictionaries(
        {"id": st.just(lead), "name": name, "stage": st.sampled_from(STAGES)}, optional=optional
    )


@st.composite
def moves(draw: st.DrawFn, lead: str) -> dict[str, Any]:
    """Type and data of one event about a lead or its deal, every field its rules look at included."""
    type_ = draw(
        st.sampled_from(
            [
                *(
                    "lead." + move
                    for move in "created updated stage_changed taken_over lost reopened converted".split()
                ),
                *("deal." + move for move in "created stage_changed won lost reopened".split()),
            ]
        )
    )
    previous = draw(st.fixed_dictionaries({}, optional={"stage": st.sampled_from(STAGES), "amount": st.just(1)}))
    if type_.startswith("deal."):
        deal = {
            "id": f"D-{lead}",
            "lead": lead,
            "stage": draw(st.sampled_from(STAGES)),
            "amount": draw(st.integers(0, 1_000)),
        }
        return {"type": type_, "data": {"deal": deal, "previous": previous}}
    data: dict[str, Any] = {"lead": draw(lead_data(lead)), "previous": {"lead": previous}}
    if type_ == "lead.converted":
        data["deal"] = {"id": f"D-{lead}"}
    return {"type": type_, "data": data}


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Event], list[int]]:
    """Events in the order of their versions, and an order of deliveries in which each stands 1 to 3 times."""
    steps = draw(st.lists(st.tuples(moves("L1"), st.sampled_from([0, 1, 60, 86_400])), min_size=3, max_size=8))
    at, events = START, []
    for number, (move, wait) in enumerate(steps):
        at += timedelta(seconds=wait)
        envelope = {"specversion": "1.0", "id": f"e{number}", "source": "crm", "time": at.isoformat(), **move}
        event = read_structured(envelope, START).event
        assert event is not None
        events.append(event)
    deliveries = [index for index in range(len(events)) for _ in range(draw(st.integers(1, 3)))]
    return events, draw(st.permutations(deliveries))


@given(histories())
def test_any_order_and_any_number_of_deliveries_end_in_the_same_work(history: tuple[list[Event], list[int]]) -> None:
    events, order = history
    in_order, shuffled, live = Desk(), Desk(), LiveDesk()
    for event in events:
        in_order.deliver(event)
    for index in order:
        shuffled.deliver(events[index])
        live.deliver(events[index])
    assert shuffled.result() == in_order.result()
    assert live.ended == in_order.result()[2]


@given(histories())
def test_delivering_everything_again_changes_nothing(history: tuple[list[Event], list[int]]) -> None:
    events, order = history
    once, twice = Desk(), Desk()
    for index in order:
        once.deliver(events[index])
    for index in [*order, *order]:
        twice.deliver(events[index])
    assert twice.result() == once.result()


def test_the_same_change_told_by_two_events_makes_one_task() -> None:
    desk = Desk()
    for number in (1, 2):
        envelope = {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "crm",
            "type": "lead.stage_changed",
            "time": "2026-03-02T09:00:00Z",
            "data": {"lead": {"id": "L1", "stage": "offer"}},
        }
        event = read_structured(envelope, START).event
        assert event is not None
        desk.deliver(event)
    assert sorted(task.kind for task in desk.tasks.values()) == ["check", "offer"]


def test_a_late_creation_is_closed_at_once() -> None:
    late, live = [], LiveDesk()
    for id_, type_, second in (("e2", "lead.lost", 2), ("e1", "lead.created", 1)):
        time = f"2026-03-02T09:00:0{second}Z"
        envelope = {"specversion": "1.0", "id": id_, "source": "crm", "type": type_, "time": time, "subject": "L1"}
        late.append(read_structured(envelope, START).event)
    for event in late:
        assert event is not None
        live.deliver(event)
    [effect] = live.ended.values()
    assert effect is not None
    assert (effect.verb, effect.reason) == ("close", "lost")
