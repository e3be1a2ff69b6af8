"""Skipping: reasons of the queue before those of the house, a budget per queue that says when it renews."""

from collections.abc import Iterator

import pytest

from taskhub.errors import Conflict, InvalidInput
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    own = {"no_key": LocalText("No key", {"fr": "Pas de clé"})}
    queues = (
        org.queue("desk", mode="pull", skip_budget=1, skip_reasons=own, calendar="always"),
        org.queue("free", mode="pull"), org.queue("house", mode="pull"),
    )  # fmt: skip
    kinds = [Kind(key, LocalText(key), key) for key in ("desk", "free", "house")]
    desk = Desk(database_url, org.policies(queues=queues, kinds=kinds))
    desk.staff("specialists", "ana", capacity=9)
    yield desk
    desk.db.close()


def skip(desk: Desk, kind: str, reason: str) -> str:
    id_ = desk.make(kind)
    token = desk.claim("ana", [kind]).lease.token
    with desk.as_("ana", "task.skip") as tx:
        tasks.skip(tx, id_, reason, token)
    return id_


def test_a_queue_names_its_own_reasons(desk: Desk) -> None:
    with pytest.raises(InvalidInput) as refused:
        skip(desk, "desk", "boring")
    assert refused.value.fields["reasons"] == ["no_key"]
    id_ = skip(desk, "desk", "no_key")
    assert desk.history(id_, "skip")[0]["change"]["reason"] == "no_key"
    skip(desk, "free", "whatever I say, where there is no list")


def test_the_budget_is_the_queues_own_and_says_when_it_renews(desk: Desk) -> None:
    for _ in range(3):
        skip(desk, "free", "free")
    skip(desk, "desk", "no_key")
    with pytest.raises(Conflict) as used:
        skip(desk, "desk", "no_key")
    assert (used.value.stable_code, used.value.fields["budget"]) == ("skip_budget_used", 1)
    assert used.value.fields["renews_at"] == "2026-03-03T00:00:00Z"
    desk.forward(days=1)
    for row in desk.rows_of("desk"):
        if row.state == "in_progress":
            with desk.as_("ana", "task.skip") as tx:
                tasks.skip(tx, row.id, "no_key", desk.token(row.id))
    assert {row.state for row in desk.rows_of("desk")} <= {"queued", "paused"}


def test_what_was_skipped_is_not_offered_again_within_the_cool_down(desk: Desk) -> None:
    skip(desk, "free", "later")
    assert desk.claim("ana", ["free"]).reason == "nothing_eligible"
    desk.forward(hours=1, seconds=1)
    assert desk.claim("ana", ["free"]).task is not None
