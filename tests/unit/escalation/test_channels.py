"""Addresses hold secrets: nothing that is said shows them, and a person's own leads to allowed services alone."""

import pytest

from taskhub.errors import InvalidInput
from taskhub.escalation.notifications.channels import (
    CHANNELS,
    HEADER,
    SMTP,
    Letter,
    faults,
    mail,
    personal,
    push,
    scrubbed,
)
from taskhub.escalation.notifications.dead import _shown
from taskhub.policy.promise import HOSTED

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
TOKEN = "123456789:abcdefg_hijklmnop"


def test_a_service_with_hosts_of_its_own_is_allowed() -> None:
    assert personal(f"tgram://{TOKEN}/12315544/", HOSTED) == "tgram"
    hook = "https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
    assert personal(hook, HOSTED) == "discord"


@pytest.mark.parametrize(
    "address",
    [
        "json://127.0.0.1:8500/v1/s3cretpath", "jsons://user:pa55word@intranet/hook", "xml://169.254.169.254/s3cretpath",
        "mailto://user:pa55word@example.org", "syslog://localhost/s3cretpath", "nonsense s3cretpath", "tgram://",
    ],
)  # fmt: skip
def test_what_could_reach_into_the_house_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        personal(address, HOSTED)
    assert "s3cret" not in raised.value.message
    assert "pa55" not in raised.value.message
    assert raised.value.fields["errors"][0]["path"] == "own_address"


@pytest.mark.parametrize(
    ("name", "address", "said"),
    [
        (SMTP, "smtp//s3cret", "begins with none of smtp://, starttls://, smtps://"),
        (SMTP, "smtp://?from=s3cret@example.org", "names no host"),
        (SMTP, "smtp://mail.example.org:s3cret", "has a host or port that cannot be read"),
        (SMTP, "smtp://mail.example.org?from=s3cret", "The from of TASKHUB_SMTP_URL"),
        (SMTP, "smtp://10.0.0.1", "The from of TASKHUB_SMTP_URL (without one: taskhub@ and its host)"),
        (CHANNELS, "json://h nonsense s3cret", "TASKHUB_NOTIFY_URL holds an address"),
        (f"{SMTP}_FILE", "/none/s", "TASKHUB_SMTP_URL_FILE names"),
    ],
)
def test_a_setting_no_letter_can_leave_with_is_said_with_its_bad_part(name: str, address: str, said: str) -> None:
    [fault] = faults({name: address})
    assert said in fault
    assert "s3cret" not in fault


def test_settings_that_can_be_used_have_no_fault() -> None:
    assert faults({}) == []
    assert (
        faults({SMTP: "smtps://u:p@mail.example.org:465?from=Hub <hub@example.org>", CHANNELS: "json://h xml://h"})
        == []
    )


def test_a_letter_that_cannot_be_sent_names_the_bad_part() -> None:
    letter = Letter("n1", "zoe", "mailto:zoe@example.org", "s", "b")
    with pytest.raises(InvalidInput, match="The from of TASKHUB_SMTP_URL"):
        push(letter, mail("smtp://mail.example.org?from=hub", "zoe@example.org", "n1"))


@pytest.mark.parametrize(
    ("address", "named"),
    [("url:TEAM_CHAT", "TEAM_CHAT holds"), ("mailto:zoe@example.org", f"{CHANNELS} holds"), ("own:x", "its person")],
)
def test_a_letter_that_cannot_be_sent_names_whose_address_it_is(address: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        push(Letter("n1", "zoe", address, "s", "b"), "rubbish")


def test_what_the_other_side_said_is_kept_without_the_address() -> None:
    where = "json://user:pa55word@ops.example.org/hooks/s3cretpath?token=t0psecret"
    said = scrubbed("Failed to POST http://ops.example.org/hooks/s3cretpath (pa55word): 503, t0psecret", where)
    assert all(part not in said for part in ("pa55word", "s3cretpath", "t0psecret"))
    assert "503" in said


def test_a_letter_does_not_show_its_address() -> None:
    assert TOKEN not in repr(Letter("n1", "zoe", f"own:tgram://{TOKEN}/1", "s", "b"))
    assert _shown("url:json://u:pa55word@h") == "url:json://…"
    assert HEADER == "X-Taskhub-Notification"
