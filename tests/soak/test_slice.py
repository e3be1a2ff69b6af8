"""A short soak with every run of the suite, and proof that its checker sees."""

from tests.soak.campaign import Plan, run
from tests.soak.check import doubles
from tests.soak.hands import Held


def test_a_short_soak_holds(postgres_url: str) -> None:
    report = run(Plan(claims=400, people=8, waiting=60, threads=4), postgres_url)
    assert report.wrong == ()
    assert report.claims == 400


def test_two_holders_at_once_are_seen() -> None:
    one, other = Held("t", "ana", 1, since=1.0, until=5.0), Held("t", "ben", 2, since=4.0, until=6.0)
    assert doubles([one, other]) == ["t was held by ana and ben at once"]
    assert doubles([one, Held("t", "ben", 2, since=5.5)]) == []


def test_a_token_given_twice_is_seen() -> None:
    assert doubles([Held("t", "ana", 1, 1.0, 2.0), Held("u", "ben", 1, 1.0, 2.0)]) == ["token 1 was given 2 times"]
