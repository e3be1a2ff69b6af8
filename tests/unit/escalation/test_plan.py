"""Which notices leave when: nothing lost, nothing twice, never more than the windows allow, quiet hours kept."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from taskhub.escalation.notifications.plan import Plan, Rhythm, Sent, Waiting, plan

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE
WAYS = {"urgent": "at_once", "late": "digest", "info": "digest"}


def rhythm(**changes: object) -> Rhythm:
    facts = {"ways": WAYS, "digest_every": HOUR, "bundle": 3, "bundle_within": 5 * MINUTE} | changes
    return Rhythm(**facts)  # type: ignore[arg-type]


def waiting(*severities: str) -> list[Waiting]:
    return [Waiting(f"n{number}", severity) for number, severity in enumerate(severities)]


def test_the_first_of_a_window_leaves_at_once_and_the_rest_when_it_ends() -> None:
    assert plan(waiting("late"), [], rhythm(), NOW).letters == (("digest", ("n0",)),)
    sent = [Sent(NOW, "digest")]
    later = plan(waiting("late", "info"), sent, rhythm(), NOW + 59 * MINUTE)
    assert later == Plan(look_at=NOW + HOUR)
    assert plan(waiting("late", "info"), sent, rhythm(), NOW + HOUR).letters == (("digest", ("n0", "n1")),)


def test_what_is_urgent_does_not_wait_for_a_window() -> None:
    found = plan(waiting("urgent", "info"), [Sent(NOW, "digest")], rhythm(), NOW + MINUTE)
    assert found == Plan((("at_once", ("n0",)),), look_at=NOW + HOUR)


def test_a_burst_becomes_one_message() -> None:
    many = plan(waiting(*["urgent"] * 4), [], rhythm(), NOW)
    assert many.letters == (("at_once", ("n0", "n1", "n2", "n3")),)
    few = plan(waiting(*["urgent"] * 3), [], rhythm(), NOW)
    assert [len(ids) for _, ids in few.letters] == [1, 1, 1]
    spent = [Sent(NOW + number * MINUTE, "at_once") for number in range(3)]
    assert plan(waiting("urgent"), spent, rhythm(), NOW + 3 * MINUTE) == Plan(look_at=NOW + 5 * MINUTE)
    assert plan(waiting("urgent", "urgent"), spent, rhythm(), NOW + 5 * MINUTE).letters == (("at_once", ("n0", "n1")),)


def test_quiet_hours_hold_everything_but_what_is_urgent() -> None:
    night = rhythm(quiet_until=NOW + 8 * HOUR, ways={**WAYS, "late": "at_once"})
    found = plan(waiting("late", "info", "urgent"), [], night, NOW)
    assert found == Plan((("at_once", ("n2",)),), look_at=NOW + 8 * HOUR)


def test_what_only_stands_in_the_list_is_placed_even_at_night() -> None:
    found = plan(waiting("info", "late"), [], rhythm(ways={**WAYS, "info": "list"}, quiet_until=NOW + HOUR), NOW)
    assert (found.letters, found.listed, found.look_at) == ((), ("n0",), NOW + HOUR)


STREAM = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["urgent", "late", "info"])), min_size=1, max_size=60)
NIGHTS = st.one_of(st.none(), st.tuples(st.integers(0, 300), st.integers(1, 300)))
CHOICE = st.sampled_from(["at_once", "digest", "list"])


@given(
    stream=STREAM, night=NIGHTS, ways=st.tuples(CHOICE, CHOICE, CHOICE), bundle=st.integers(1, 4),
    every=st.integers(5, 120),
)  # fmt: skip
def test_whatever_comes_each_notice_leaves_once_and_never_too_often(
    stream: list[tuple[int, str]], night: tuple[int, int] | None, ways: tuple[str, str, str], bundle: int, every: int
) -> None:
    """Time goes from look to look, as the timers of the ledger do."""
    at, come, now = 0, [], NOW
    for number, (gap, severity) in enumerate(stream):
        at += gap
        come.append((NOW + at * MINUTE, Waiting(f"n{number}", severity)))
    quiet = (NOW + night[0] * MINUTE, NOW + (night[0] + night[1]) * MINUTE) if night else None
    chosen = dict(zip(("urgent", "late", "info"), ways, strict=True))
    placed: dict[str, datetime] = {}
    sent: list[Sent] = []
    looks = sorted({moment for moment, _ in come})
    while looks:
        now = looks.pop(0)
        until = quiet[1] if quiet and quiet[0] <= now < quiet[1] else None
        kept = rhythm(ways=chosen, bundle=bundle, digest_every=every * MINUTE, quiet_until=until)
        open_ = [one for moment, one in come if moment <= now and one.id not in placed]
        found = plan(open_, sent, kept, now)
        for lane, ids in found.letters:
            sent.append(Sent(now, lane))
            assert not placed.keys() & set(ids)
            placed |= dict.fromkeys(ids, now)
        placed |= dict.fromkeys(found.listed, now)
        if found.look_at is not None:
            assert found.look_at > now
            looks = sorted({*looks, found.look_at})
        assert found.look_at is not None or len(open_) == sum(len(ids) for _, ids in found.letters) + len(found.listed)
    assert placed.keys() == {one.id for _, one in come}
    digests = [one.at for one in sent if one.lane == "digest"]
    assert all(second - first >= every * MINUTE for first, second in pairwise(digests))
    bursts = [one.at for one in sent if one.lane == "at_once"]
    assert all(sum(moment - 5 * MINUTE < other <= moment for other in bursts) <= bundle for moment in bursts)
    for moment, one in come:
        if chosen[one.severity] != "list" and one.severity != "urgent" and quiet:
            assert not quiet[0] <= placed[one.id] < quiet[1] or moment > placed[one.id]
