"""The table of permissions: what it grants, how it denies, that it is complete."""

from dataclasses import dataclass, field

import pytest

from taskhub.access.permissions import RELATIONS, TABLE, Caller, Object, can, reaches_all
from taskhub.access.roles import ROLES, acting_roles
from taskhub.access.teams import managed
from taskhub.db.tx import SYSTEM, By


@dataclass
class Team:
    key: str
    leader: str | None = None
    managers: list[str] = field(default_factory=list)
    department: str | None = None


def by(role: str, agent: str | None = "zoe", team: str | None = "a") -> By:
    return By(f"agent:{agent}", role, agent, team, (role,), "k")


MINE, TEAMS, THEIRS = Object("zoe", frozenset("a")), Object("abe", frozenset("a")), Object("yan", frozenset("b"))


def test_an_agent_sees_own_and_team_and_works_where_the_life_cycle_lets_them() -> None:
    zoe = Caller(by("agent"))
    assert can(zoe, "task.read", MINE)
    assert can(zoe, "task.read", TEAMS)
    denied = can(zoe, "task.read", THEIRS)
    assert not denied
    assert not denied.seen


def test_what_is_seen_but_not_allowed_says_who_may() -> None:
    denied = can(Caller(by("agent")), "task.assign", TEAMS)
    assert not denied
    assert denied.seen
    assert set(denied.roles) == {"manager", "admin"}


def test_a_manager_reaches_managed_teams_only() -> None:
    lea = Caller(by("manager", "lea", "x"), frozenset("a"))
    assert can(lea, "task.assign", TEAMS)
    assert not can(lea, "task.assign", THEIRS)
    assert not can(Caller(by("manager", "lea", "a")), "task.assign", TEAMS)


def test_a_director_is_a_manager_of_the_department() -> None:
    teams = [Team("a", leader="dora", department="d"), Team("b", department="d"), Team("c")]
    assert managed(by("director", "dora"), teams) == {"a", "b"}
    assert managed(by("manager", "dora"), teams) == {"a"}
    assert managed(by("agent", "dora"), teams) == frozenset()
    assert managed(by("manager", None), teams) == {"a", "b", "c"}


def test_the_one_who_asked_for_a_task_sees_it() -> None:
    rob = Caller(by("rep", "rob", "sales"))
    assert can(rob, "task.read", Object("abe", frozenset("a"), asked_by="agent:rob"))
    assert not can(rob, "task.read", TEAMS)


def test_nobody_matches_an_object_of_nobody() -> None:
    for role in ("agent", "rep", "manager"):
        assert not can(Caller(by(role, None, None)), "agent.read", Object())


def test_workers_may_everything() -> None:
    assert all(can(Caller(SYSTEM), act, THEIRS) for act in TABLE)


@pytest.mark.parametrize("act", TABLE)
def test_the_table_names_known_roles_and_relations(act: str) -> None:
    assert set(TABLE[act]) <= set(ROLES)
    assert all(set(granted) <= set(RELATIONS) for granted in TABLE[act].values())
    assert act.count(".") == 1


@pytest.mark.parametrize("act", TABLE)
def test_the_auditor_only_reads(act: str) -> None:
    reads = act.endswith((".read", ".private", ".candidates", ".try")) or act == "act.undo"
    assert bool(can(Caller(by("auditor", None)), act)) is reads or (reads and act == "event.replay")


def test_a_key_never_does_more_than_its_person_or_its_role() -> None:
    assert acting_roles("agent", ["agent", "manager"]) == ("agent",)
    assert acting_roles("admin", ["agent"]) == ("agent",)
    assert acting_roles("auditor", ["agent"]) == ()
    assert acting_roles("integration", None) == ("integration",)


def test_reaching_all_does_not_ask_for_an_object() -> None:
    assert reaches_all(Caller(by("admin")), "task.read")
    assert not reaches_all(Caller(by("agent")), "task.read")
