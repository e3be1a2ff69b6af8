import http.server
import logging
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taskhub.errors import InvalidInput, Unavailable
from taskhub.escalation.notifications.channels import HEADER, Letter, destination, mail
from taskhub.escalation.notifications.deliver import send
from tests.unit.escalation.mailbox import Mailbox

# Apprise looks for a module that Python 3.13 drops.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

LETTER = Letter("n1", "zoe", "mailto:zoe@example.org", "En retard : contrat Élan", "Tâche : contrat Élan\n\nt1")


def test_a_person_gets_a_mail_that_carries_the_id_of_the_notice() -> None:
    with Mailbox() as box:
        send(LETTER, {"TASKHUB_SMTP_URL": box.url})
    (arrived,) = box.mails
    assert arrived["Subject"] == LETTER.subject
    assert arrived["To"] == "zoe@example.org"
    assert "hub@example.org" in arrived["From"]
    assert arrived[HEADER] == "n1"
    assert arrived.get_content().splitlines() == LETTER.body.splitlines()


@pytest.mark.parametrize("broken", ["refused", "down"])
def test_a_server_that_does_not_take_it_is_told_apart_from_a_delivery(broken: str) -> None:
    box = Mailbox()
    box.refuses = True
    if broken == "refused":
        box.open()
    with pytest.raises(Unavailable):
        send(LETTER, {"TASKHUB_SMTP_URL": box.url})
    box.close()
    assert not box.mails


def test_without_an_address_of_any_kind_the_log_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "taskhub.notifications"):
        send(LETTER, {})
    assert caplog.messages == ["notification n1 to zoe: En retard : contrat Élan"]


class _Hook(http.server.BaseHTTPRequestHandler):
    taken: list[bytes] = []  # noqa: RUF012

    def do_POST(self) -> None:
        self.taken.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


def test_what_cannot_be_mailed_goes_to_the_channel() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        send(replace(LETTER, address="log:"), {"TASKHUB_NOTIFY_URL": f"json://127.0.0.1:{server.server_port}/"})
        server.shutdown()
    assert len(_Hook.taken) == 1
    assert "Élan".encode() in _Hook.taken[0] or rb"\u00c9lan" in _Hook.taken[0]


def test_where_a_notice_goes(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("json://from-a-file\n")
    env = {"TASKHUB_NOTIFY_URL": "json://all", "OPS_FILE": str(tmp_path / "url")}
    assert destination(LETTER, env) == "json://all"
    assert destination(replace(LETTER, address="url:json://x"), env) == "json://x"
    assert destination(replace(LETTER, address="url:OPS"), env) == "json://from-a-file"
    assert destination(replace(LETTER, address="log:"), {"TASKHUB_SMTP_URL": "smtp://h"}) is None
    with pytest.raises(InvalidInput, match="GONE is not set"):
        destination(replace(LETTER, address="url:GONE"), env)


def test_the_parts_of_a_mail_server_are_read() -> None:
    parts = mail("smtps://hub%40x:s%3Acret@mail.example.org:465?from=a@b.org", "zoe@example.org", "n1")
    assert (parts["host"], parts["port"], parts["user"], parts["password"]) == (
        "mail.example.org", 465, "hub@x", "s:cret",
    )  # fmt: skip
    assert (parts["secure_mode"], parts["from_addr"], parts["targets"]) == ("ssl", "a@b.org", ["zoe@example.org"])
    assert mail("starttls://mail.example.org", "z@x.org", "n")["from_addr"] == "taskhub@mail.example.org"


@pytest.mark.parametrize("env", [{"TASKHUB_SMTP_URL": "http://u:s3cret@h"}, {"TASKHUB_NOTIFY_URL": "nonsense s3cret"}])
def test_a_wrong_address_is_said_without_showing_it(env: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as raised:
        send(LETTER, env)
    assert "s3cret" not in str(raised.value)


def test_the_slow_import_waits_for_the_first_notice() -> None:
    probe = "import sys, taskhub.escalation.notifications.deliver; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
