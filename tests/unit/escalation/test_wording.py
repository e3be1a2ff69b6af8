from datetime import UTC, datetime, timedelta

from taskhub.escalation.notifications.wording import SHOWN, TEXTS, Said, digest

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def said(count: int, severity: str = "info") -> list[Said]:
    return [Said(NOW + timedelta(minutes=n), severity, f"Overdue: {n}", f"t{n}") for n in range(count)]


def test_a_digest_says_how_many_since_when_and_which_first() -> None:
    subject, body = digest([*said(2), Said(NOW, "urgent", "Overdue: now", None)], "en", "Europe/Paris")
    assert subject == "3 notices, 1 of them urgent"
    assert body.splitlines() == [
        "Since 2026-01-05 10:00 (Europe/Paris):", "", "- 10:00 Overdue: now", "- 10:00 Overdue: 0 [t0]",
        "- 10:01 Overdue: 1 [t1]",
    ]  # fmt: skip


def test_a_long_one_is_cut_and_says_so_in_french() -> None:
    subject, body = digest(said(SHOWN + 7), "fr-CA", "UTC")
    assert subject == f"{SHOWN + 7} avis"
    assert body.endswith("et 7 autres ; tous sont dans votre liste d’avis.")
    assert body.count("\n- ") == SHOWN


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["en"].keys() == TEXTS["fr"].keys()
