from dataclasses import replace
from datetime import UTC, datetime, timedelta

from taskhub.escalation.notices import TEXTS, Case, Reader, write
from taskhub.policy.text import LocalText

DUE = datetime(2026, 7, 6, 15, tzinfo=UTC)
CASE = Case(
    task="t1", title="Check contract ACME", kind=LocalText("Contract", {"fr": "Contrat"}),
    queue=LocalText("Contracts", {"fr": "Contrats"}), due_at=DUE, now=DUE, holder="Ana",
)  # fmt: skip


def test_a_notice_says_what_is_late_in_the_readers_own_time() -> None:
    subject, body = write(CASE, Reader("en", "Europe/Paris"))
    assert subject == "Overdue: Check contract ACME"
    assert body.splitlines()[:4] == [
        "Task: Check contract ACME (Contract)", "Queue: Contracts", "Due: 2026-07-06 17:00 (Europe/Paris)", "With: Ana",
    ]  # fmt: skip
    assert body.endswith("t1")


def test_french_readers_get_french() -> None:
    case = replace(CASE, now=DUE - timedelta(hours=1), raised_to="high", moved_to="queue", holder=None)
    subject, body = write(case, Reader("fr-CA", "UTC", "Léa", "absent"))
    assert subject == "Échéance proche : Check contract ACME"
    for said in (
        "Tâche : Check contract ACME (Contrat)", "Chez : personne pour l’instant", "Sa priorité est maintenant haute.",
        "Elle est de retour dans la file", "Vous recevez ce message à la place de Léa (absence).",
    ):  # fmt: skip
        assert said in body


def test_what_was_done_is_said() -> None:
    _, body = write(replace(CASE, raised_to="urgent", moved_to="Max"), Reader(instead_of="Lea", because="inactive"))
    assert "Its priority is now urgent." in body
    assert "handed to Max" in body
    assert "You receive this instead of Lea (no longer active)." in body


def test_work_set_aside_has_a_notice_of_its_own() -> None:
    subject, body = write(replace(CASE, held=True), Reader())
    assert subject == "Set aside: Check contract ACME"
    assert "Ana put this task aside" in body
    assert TEXTS["en"]["stop"] not in body


def test_a_title_cannot_add_lines_to_a_mail() -> None:
    subject, _ = write(replace(CASE, title="a\r\nBcc: b\n" + "x" * 400), Reader("xx"))
    assert subject.startswith("Overdue: a Bcc: b x")
    assert "\n" not in subject
    assert len(subject) < 230


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["en"].keys() == TEXTS["fr"].keys()
