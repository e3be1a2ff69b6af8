"""Whatever somebody types: a set is accepted or refused with places, never anything else; a typo finds its key."""

import re
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from taskhub.errors import PolicyError, Problem
from taskhub.policy.load import FILES, load
from taskhub.policy.reading.positions import Positions
from tests.unit.policy.small import KNOWN, SMALL, accepted, shipped

SHIPPED = shipped()
HOLIDAYS = accepted(SHIPPED).resolved
SCHEMA = frozenset(
    "key name queue weight expected_minutes level requires skill sla checklist text required when field url "
    "teams mode calendar lease_for staffing model params strategy max_wait accept_for pick skip_budget cool_down "
    "on_idle hold_for tz holiday_region weekly special_dates breaks holidays completion first_start warn_at escalation "
    "stops_clock max_for remind max_paused skip_reasons pause_reason at_fraction overdue_for paused_for notify "
    "raise_priority reassign repeat_every widen notifications quiet_hours digest_every at_once bundle "
    "bundle_within personal_channels steps noun currency lost_reasons stages meaning guidance key_fields "
    "required_fields system secrets fields users settings on after before by tasks kind title priority delay "
    "waits_for raises share not_by not_owner blocking wake complete close close_reason once_per".split()
)
# Between these the keys are the user's own: openings, maps of a connection, parameters.
OWN = re.compile(r"\[(calendar\.|connection\.|queue\.max_wait)")
PIECES = st.sampled_from(
    [
        *(
            "",
            "\n",
            "\0",
            '"',
            "'",
            '"""',
            "[",
            "]]",
            "{",
            "}",
            "=",
            ".",
            ",",
            "#",
            "true",
            "nan",
            "-1",
            "9" * 30,
            "1e400",
        ),
        *(
            "2026-02-30",
            "é",
            "\u202e",
            "\ud800",
            "[[kind]]",
            '[[rule]]\nkey = "x"\n',
            '"*"',
            '"contract"',
            "{}",
            "[]",
            "0",
        ),
    ]
)


def problems_of(texts) -> tuple[Problem, ...]:
    """What is wrong with a set; any other error than PolicyError fails the test."""
    try:
        load(texts, known=KNOWN, resolved=HOLIDAYS)
    except PolicyError as refused:
        assert refused.problems  # noqa: PT017  there is nothing to expect: both ways are right
        return refused.problems
    return ()


@st.composite
def broken(draw) -> dict[str, str]:
    """The shipped files or the small ones after a few careless edits of characters and lines."""
    texts = dict(draw(st.sampled_from([SHIPPED, SMALL])))
    for _ in range(draw(st.integers(1, 4))):
        file = draw(st.sampled_from(sorted(texts)))
        texts[file] = draw(st.sampled_from([_patched, _moved, _retold]))(draw, texts[file])
    return texts


def _patched(draw, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(PIECES | st.text(max_size=4)) + text[at + draw(st.integers(0, 12)) :]


def _moved(draw, text: str) -> str:
    lines = text.split("\n")
    line = lines.pop(draw(st.integers(0, len(lines) - 1)))
    lines.insert(draw(st.integers(0, len(lines))), line)
    return "\n".join(lines)


def _retold(draw, text: str) -> str:
    """One value becomes another one."""
    values = list(re.finditer(r'(?<== )("[^"\n]*"|[0-9.]+|true|\[[^\]\n]*\])', text))
    if not values:
        return text
    found = draw(st.sampled_from(values))
    return text[: found.start()] + draw(PIECES) + text[found.end() :]


@settings(max_examples=150, deadline=None)
@given(broken())
def test_a_careless_edit_is_refused_with_its_place_or_accepted(texts) -> None:
    for problem in problems_of(texts):
        assert problem.file in FILES
        assert 0 < problem.line <= max(texts[problem.file].count("\n") + 1, 1)
        assert problem.key
        assert problem.message.endswith((".", "?"))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="[]{}=\"'.,#\n a1", max_size=60), st.sampled_from(sorted(FILES)))
def test_any_text_at_all_is_refused_or_accepted(text, file) -> None:
    assert all(problem.message for problem in problems_of({**SMALL, file: text}))


@cache
def sites() -> list[tuple[str, int, int, str]]:
    """(file, start, line, key) of every key of ours in the shipped files."""
    found = []
    for file, text in SHIPPED.items():
        own = False
        for number, line in enumerate(text.split("\n"), 1):
            own = bool(OWN.match(line)) if line.startswith("[") else own
            begin = sum(len(one) + 1 for one in text.split("\n")[: number - 1])
            # Parameters belong to their model, which judges them itself.
            code = "" if line.startswith("#") else line.partition("params = {")[0]
            keys = re.finditer(r"(?:(?<=^)|(?<=[{,] ))([a-z_]+)(?= = )", code)
            found += [(file, begin + key.start(), number, key[1]) for key in keys if key[1] in SCHEMA and not own]
    return found


@st.composite
def typos(draw) -> tuple[str, int, int, str, str]:
    """A letter dropped, doubled, swapped with the next one or replaced."""
    file, start, line, key = draw(st.sampled_from(sites()))
    at = draw(st.integers(0, len(key) - 1))
    typo = draw(
        st.sampled_from(
            [
                key[:at] + key[at + 1 :],
                key[:at] + key[at] + key[at:],
                key[:at] + key[at + 1 : at + 2] + key[at] + key[at + 2 :],
                key[:at] + "x" + key[at + 1 :],
            ]
        )
    )
    return file, start, line, key, typo


def test_there_are_keys_enough_to_misspell() -> None:
    assert len(sites()) > 300
    assert len({key for _, _, _, key in sites()}) > 50


@settings(max_examples=150, deadline=None)
@given(typos().filter(lambda typo: typo[4] and typo[4] not in SCHEMA and len(typo[3]) > 2))
def test_a_misspelt_key_is_found_on_its_line_with_the_right_one(typo) -> None:
    file, start, line, key, wrong = typo
    text = SHIPPED[file]
    problems = problems_of({**SHIPPED, file: text[:start] + wrong + text[start + len(key) :]})
    assert (line, key) in [(p.line, p.suggestion) for p in problems if p.file == file], problems


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(SHIPPED)), st.data())
def test_lines_follow_the_text_wherever_it_moves(file, data) -> None:
    text = SHIPPED[file]
    added = data.draw(st.integers(1, 5))
    moved = Positions("#\n" * added + text)
    for path, line in Positions(text)._lines.items():
        assert moved.line(path) == line + (added if path else 0)
