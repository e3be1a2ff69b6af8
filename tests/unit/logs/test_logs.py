"""A line of the log is one line, says what it is about, and opens no door."""

from __future__ import annotations

import json
import logging

import pytest

from taskhub import logs
from taskhub.errors import InvalidInput
from taskhub.logs import JsonLines, TextLines, about, masked, seen

SECRETS = (
    ("Authorization: Bearer th_live_ab12_s3cr3tS3cr3tS3cr3t", "s3cr3t"),
    ("key th_live_ab12_s3cr3tS3cr3tS3cr3t was sent", "s3cr3t"),
    ("basic dXNlcjpzM2NyM3Q=", "dXNl"),
    ("connect to postgresql://me:s3cr3t@db.example.org/taskhub failed", "s3cr3t"),
    ("redis://:s3cr3t@host:6379/0", "s3cr3t"),
    ("POST /hooks/pipedrive/s3cr3t", "s3cr3t"),
    ("GET https://x.example/api?code=s3cr3t&state=s3cr3t", "s3cr3t"),
    ("smtps://user:s3cr3t@mail.example.org?from=a@b.example", "s3cr3t"),
)


def record(message: str, *args: object, error: BaseException | None = None, **facts: object) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("taskhub.x", logging.WARNING, __file__, 1, message, args, info)
    made.facts = facts
    return made


def raised(said: str) -> ValueError:
    with pytest.raises(ValueError) as found:  # noqa: PT011  its text is the point
        fail(said)
    return found.value


def fail(said: str) -> None:
    raise ValueError(said)


@pytest.mark.parametrize(("said", "secret"), SECRETS)
@pytest.mark.parametrize("form", [JsonLines(), TextLines()], ids=["json", "text"])
def test_secrets_are_masked_wherever_they_stand(form: logging.Formatter, said: str, secret: str) -> None:
    assert secret in said
    line = form.format(record("%s", said, error=raised(said)))
    assert secret not in line
    assert "***" in line


def test_what_is_no_secret_stays() -> None:
    plain = "GET /api/v1/tasks: task 0199 of queue contract-desk took 12.5 ms (a & b = c?)"
    assert masked(plain) == plain


FORGED = "x\r\n2026-11-26T00:00:00Z ERROR taskhub: all is lost\x1b[2J\u2028\u202eevil\x00\ud800"


@pytest.mark.parametrize("form", [JsonLines(), TextLines()], ids=["json", "text"])
def test_nobody_begins_a_line_of_their_own(form: logging.Formatter) -> None:
    line = form.format(record("refused %s", FORGED, event=FORGED, task=["a", FORGED]))
    assert len(line.splitlines()) == 1
    assert line.encode()
    if isinstance(form, JsonLines):
        assert json.loads(line)["level"] == "warning"
    else:
        assert not any(mark in line for mark in ("\x1b", "\u2028", "\u202e", "\x00"))


def test_a_trace_cannot_forge_a_line_of_text() -> None:
    first, *rest = TextLines().format(record("failed", error=raised(FORGED))).splitlines()
    assert "failed" in first
    assert rest
    assert all(line.startswith("    | ") for line in rest)


def test_a_line_says_what_it_is_about() -> None:
    facts = about(event=["e1"], task=["t1", "t2"], row=7, act=None, key="")["facts"]
    said = json.loads(JsonLines().format(record("done", **facts)))
    assert (said["event"], said["task"], said["row"]) == (["e1"], ["t1", "t2"], 7)
    assert "act" not in said
    assert "key" not in said
    assert TextLines().format(record("done", **facts)).endswith("done event=e1 task=t1,t2 row=7")


@pytest.mark.parametrize(("form", "level"), [("xml", "INFO"), ("json", "LOUD")])
def test_settings_that_mean_nothing_are_refused(form: str, level: str) -> None:
    with pytest.raises(InvalidInput, match="must be"):
        logs.set_up(form, environ={"TASKHUB_LOG_LEVEL": level})


def test_the_level_of_the_environment_wins(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        logs.set_up("json", environ={"TASKHUB_LOG_LEVEL": "warning"})
        logging.getLogger("taskhub.test").info("unheard")
        logging.getLogger("taskhub.test").warning("heard", extra=about(task="t1"))
    finally:
        root.handlers[:], root.level = before
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["task"] for line in lines] == ["t1"]


def test_text_is_made_visible() -> None:
    assert seen("plain é 中") == "plain é 中"
    assert seen("\n\x1b") == "\\n\\x1b"
