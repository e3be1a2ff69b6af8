"""What one pass costs, by strategy, model and number of people; and what one stored decision costs to run again.

    python -m benchmarks.decide_pass

Times are processor time, the best of three. Capacity is big enough that every task is given, which is the dearest
case: a full floor ends a pass early.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from taskhub.assignment.decide import decide
from taskhub.assignment.model import AgentFacts, Assigned, Decision, PoolState, QueueFacts, Snapshot, TaskFacts
from taskhub.assignment.record import block_of, record
from taskhub.assignment.registry import Plugins, built_ins
from taskhub.assignment.rerun import rerun
from taskhub.tasks.shape import Shape

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
WEEK = tuple((day, ("08:00-12:00", "13:00-17:30")) for day in ("mon", "tue", "wed", "thu", "fri"))
KINDS = tuple(f"kind_{number:02d}" for number in range(10))
LANGUAGES = ("de", "en", "fr")
PARAMS: dict[str, dict[str, Any]] = {
    "weighted_round_robin": {"weights": {f"agent-{number:05d}": 1 + number % 5 for number in range(0, 2000, 3)}},
    "sticky": {"wait": "30m", "fallback": "fairness"},
}
MODELS: dict[str, dict[str, Any]] = {
    "dedicated": {"team": "contracts"},
    "rotating": {"share_of_shift": 0.5},
    "duty_rota": {},
    "overflow": {"team": "contracts", "overflow_teams": ["contracts"]},
    "chain": {"ring": list(KINDS)},
    "share": {"weights": {"contracts": 3, "others": 1}},
}


def floor_of(people: int, tasks: int, strategy: str = "least_loaded", model: str = "dedicated") -> Snapshot:
    """Ten kinds in two queues, three levels, three languages: 90 shapes. A fifth of the people are out, as always."""
    kinds = {f"agent-{number:05d}": KINDS[number % 10 :][:4] for number in range(people)}
    queue = QueueFacts(
        "first", ("contracts",), model=model, params=MODELS[model], strategy=strategy,
        strategy_params=PARAMS.get(strategy, {}), pool_state=PoolState(1, members=frozenset(kinds), kinds=kinds),
        ceilings={KINDS[0]: tasks},
    )  # fmt: skip
    queues = {key: replace(queue, key=key) for key in ("first", "second")}
    return Snapshot(
        now=NOW,
        queues=queues,
        agents=tuple(_agent(number, tasks) for number in range(people)),
        tasks=tuple(_task(number) for number in range(tasks)),
        policy_hash="bench",
    )


def _agent(number: int, capacity: int) -> AgentFacts:
    on_leave = number % 10 == 0
    return AgentFacts(
        key=f"agent-{number:05d}",
        team="contracts",
        name=f"Agent {number}",
        skills={kind: 1 + (number + place) % 5 for place, kind in enumerate(KINDS) if (number + place) % 4},
        attributes={"language": ["en", LANGUAGES[number % 3]], "region": "north"},
        capacity=capacity,
        load=number % 7 / 2,
        load_minutes=number % 7 * 10.0,
        minutes_by_kind={kind: 10.0 + (number + place) % 7 for place, kind in enumerate(KINDS)},
        ledger={"minutes": number * 37 % 500, "hard": number % 9, "late": number % 4, "duty": number % 3},
        credit=1.0 if number % 4 else 0.5,
        idle_since=NOW - timedelta(minutes=number * 13 % 90),
        presence="away" if number % 10 == 5 else "available",
        time_zone="Europe/Paris",
        shifts=WEEK,
        absences=((NOW - timedelta(days=1), NOW + timedelta(days=3)),)
        if on_leave
        else ((NOW + timedelta(days=20 + number % 30), NOW + timedelta(days=35 + number % 30)),),
    )


def _task(number: int) -> TaskFacts:
    queue = "first" if number % 2 else "second"
    level, language = 1 + number % 3, LANGUAGES[number // 7 % 3]
    return TaskFacts(
        id=f"task-{number:06d}",
        shape=Shape.of(queue, KINDS[number % 10], level=level, requires={"language": language}),
        start_by=NOW + timedelta(minutes=number * 7919 % 5000),
        created_at=NOW - timedelta(minutes=number % 600),
        weight=1 + number % 3 / 2,
        due_at=NOW + timedelta(hours=1 + number % 200),
        served_by=f"agent-{number % 150:05d}" if number % 2 else None,
        ready_at=NOW - timedelta(minutes=number % 60),
        excluded={f"agent-{number % 97:05d}": "declined"} if number % 25 == 0 else {},
    )


def _seconds(snapshot: Snapshot, plugins: Plugins, rounds: int = 3) -> tuple[float, int]:
    took, given = [], 0
    for _ in range(rounds):
        begin = time.process_time()
        result = decide(snapshot, plugins)
        took.append(time.process_time() - begin)
        given = sum(isinstance(one, Assigned) for one in result.decisions)
    return min(took), given


def _rerun_ms(snapshot: Snapshot, plugins: Plugins) -> dict[str, float]:
    result = decide(snapshot, plugins)
    begin = time.process_time()
    stored = record(snapshot, result, plugins)
    wrote = time.process_time() - begin
    took = []
    for decision in result.decisions[:: max(1, len(result.decisions) // 100)]:
        block = stored.blocks[block_of(stored.positions[decision.task])]
        took.append(min(_once(stored.head, block, decision, plugins) for _ in range(3)))
    return {
        "record_ms": round(wrote * 1000, 1),
        "head_bytes": len(stored.head),
        "head_bytes_zlib": len(zlib.compress(stored.head.encode())),
        "blocks": len(stored.blocks),
        "block_bytes_median": statistics.median(map(len, stored.blocks)),
        "block_bytes_zlib_median": statistics.median(len(zlib.compress(block.encode())) for block in stored.blocks),
        "rerun_ms_median": round(statistics.median(took), 2),
        "rerun_ms_p95": round(statistics.quantiles(took, n=20)[-1], 2),
    }


def _once(head: str, block: str, decision: Decision, plugins: Plugins) -> float:
    begin = time.process_time()
    answer = rerun(head, block, decision, plugins)
    took = (time.process_time() - begin) * 1000
    if answer.status != "same":
        raise SystemExit(f"{decision.task}: {answer.why}")
    return took


def run() -> dict[str, Any]:
    """Every figure, as a JSON object."""
    plugins = built_ins()
    whole, by_people, by_model = {}, {}, {}
    for strategy in plugins.strategy_names:
        seconds, given = _seconds(floor_of(200, 10_000, strategy), plugins)
        whole[strategy] = {"seconds": round(seconds, 3), "tasks_given": given}
        by_people[strategy] = {
            str(people): round(_seconds(floor_of(people, 10_000, strategy), plugins, 2)[0], 3)
            for people in (20, 200, 2000)
        }
    for model in plugins.model_names:
        by_model[model] = round(_seconds(floor_of(200, 10_000, model=model), plugins, 2)[0], 3)
    full = floor_of(200, 10_000)
    full = replace(full, agents=tuple(replace(agent, capacity=3) for agent in full.agents))
    return {
        "pass_10000_tasks_200_people": whole,
        "pass_10000_tasks_by_people_s": by_people,
        "pass_10000_tasks_200_people_by_model_s": by_model,
        "pass_10000_tasks_200_people_capacity_3_s": round(_seconds(full, plugins)[0], 3),
        "rerun_in_pass_of_200_tasks_200_people": _rerun_ms(floor_of(200, 200), plugins),
        "rerun_in_pass_of_10000_tasks_200_people": _rerun_ms(floor_of(200, 10_000), plugins),
        "rerun_in_pass_of_10000_tasks_20_people": _rerun_ms(floor_of(20, 10_000), plugins),
    }


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m benchmarks.decide_pass",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    print(json.dumps(run(), indent=2))


if __name__ == "__main__":
    main()
