from dataclasses import replace

import pytest

from taskhub.escalation.addressing import Concern, Directory, Person, Told, leader_at_work, tell


def person(
    key: str, team: str = "contracts", stand_in: str | None = None, roles: tuple[str, ...] = ("agent",)
) -> Person:
    return Person(key, key.title(), f"{key}@example.org", "en", "UTC", team, stand_in, roles)


PEOPLE = {
    one.key: one
    for one in (
        person("ana", stand_in="ben"), person("ben"), person("lea", stand_in="leo", roles=("agent", "manager")),
        person("leo"), person("max", "office", roles=("manager",)),
        person("mia", "office", roles=("manager", "auditor")),
        person("zoe", "sales", roles=("manager", "admin")),
    )
}  # fmt: skip
HELD, WAITING = Concern("ana", ("contracts",)), Concern(None, ("contracts",))


def directory(leader: str | None = "lea", **changed: Person) -> Directory:
    return Directory({**PEOPLE, **changed}, {"contracts": leader, "office": "max"}, {"contracts": ("max", "mia")})


def away(*keys: str, **how: bool) -> dict[str, Person]:
    return {key: replace(PEOPLE[key], **(how or {"absent": True})) for key in keys}  # type: ignore[arg-type]


def told(asked: str, book: Directory, concern: Concern = HELD) -> list[str | None]:
    return [one.agent for one in tell([asked], concern, book)]


@pytest.mark.parametrize(
    ("asked", "whom"),
    [
        ("agent", ["ana"]), ("leader", ["lea"]), ("manager", ["max", "mia"]), ("agent:zoe", ["zoe"]),
        ("team:office", ["max", "mia"]), ("role:manager", ["lea", "max", "mia"]), ("role:admin", ["zoe"]),
    ],
)  # fmt: skip
def test_addressees_come_to_people(asked: str, whom: list[str]) -> None:
    assert told(asked, directory()) == whom


def test_a_channel_stays_a_channel() -> None:
    assert tell(["url:json://example.org"], HELD, directory()) == [
        Told("url:json://example.org", url="json://example.org")
    ]


def test_a_task_nobody_holds_concerns_the_leader() -> None:
    assert tell(["agent"], WAITING, directory()) == [Told("agent", "lea", because="nobody_holds_it")]


def test_the_stand_in_first_then_up_and_the_record_says_so() -> None:
    one = tell(["agent"], HELD, directory(**away("ana")))
    assert one == [Told("agent", "ben", instead_of="ana", because="absent")]
    assert told("agent", directory(**away("ana", "ben"))) == ["lea"]
    assert told("agent", directory(**away("ana", "ben", "lea"))) == ["leo"]
    assert told("agent", directory(**away("ana", "ben", "lea", "leo"))) == ["max"]
    gone = tell(["leader"], HELD, directory(**away("lea", active=False)))
    assert gone == [Told("leader", "leo", instead_of="lea", because="inactive")]


def test_where_nobody_is_there_it_goes_to_the_log() -> None:
    everybody = away(*PEOPLE)
    assert tell(["leader"], HELD, directory(**everybody)) == [Told("leader", None, instead_of="lea", because="absent")]
    assert tell(["manager"], Concern(None, ("nobody",)), Directory()) == [Told("manager", because="nobody_there")]
    assert tell(["agent:ghost"], HELD, directory()) == [
        Told("agent:ghost", None, instead_of="ghost", because="unknown")
    ]


def test_stand_ins_in_a_ring_end() -> None:
    ring = {key: replace(PEOPLE[key], absent=True, stand_in=other) for key, other in (("ana", "ben"), ("ben", "ana"))}
    assert told("agent", directory(**ring)) == ["lea"]


def test_a_team_without_a_leader_is_led_by_its_managers() -> None:
    assert tell(["leader"], HELD, directory(leader=None)) == [
        Told("leader", "max", because="no_leader"), Told("leader", "mia", because="no_leader"),
    ]  # fmt: skip


def test_an_empty_team_is_its_leaders_concern() -> None:
    book = Directory(PEOPLE, {"night": "lea"}, {})
    assert tell(["team:night"], HELD, book) == [Told("team:night", "lea", because="nobody_there")]


def test_mail_reaches_people_off_shift_but_work_does_not() -> None:
    off = directory(**away("lea", on_shift=False))
    assert told("leader", off) == ["lea"]
    assert leader_at_work(HELD, off) == Told("leader", "leo", instead_of="lea", because="off_shift")
    assert leader_at_work(HELD, Directory()).agent is None


def test_of_several_leaders_the_first_at_work_gets_the_work() -> None:
    two = Concern(None, ("contracts", "office"))
    book = directory(**away("lea", "leo", "max", "mia"))
    assert leader_at_work(two, book).agent is None
    assert leader_at_work(two, directory(**away("lea", "leo", "mia"))).agent == "max"
