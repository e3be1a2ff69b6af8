import textwrap
import tomllib

import pytest

from taskhub.policy.reading.positions import Positions

TEXT = textwrap.dedent('''\
    # a comment with key = 1 and [brackets]
    title = "first"          # line 2
    "quoted.key" = 1
    a.b.c = 2

    [table]
    list = [
      1,  # one
      { deep = [ "x",
                 "y" ] },
    ]
    text = """
    fake = 1
    [fake]
    """
    after = \'\'\'
    "still" text\'\'\'
    [[rule]]
    key = "one"
    when = { "deal.amount" = { gte = 1 }, lead.status = "open" }
    [[rule.tasks]]
    kind = "k"
    [rule.tasks.extra]
    x = 1
    [[rule]]
    key = "two"
    [[rule.tasks]]
    kind = "k1"
    [[rule.tasks]]
    kind = "k2"
    on = 2026-01-01 10:00:00 # a date with a space
    last = "a # b"
''')
LINES = {
    ("title",): 2,
    ("quoted.key",): 3,
    ("a",): 4,
    ("a", "b", "c"): 4,
    ("table",): 6,
    ("table", "list"): 7,
    ("table", "list", 0): 8,
    ("table", "list", 1, "deep", 1): 10,
    ("table", "text"): 12,
    ("table", "after"): 16,
    ("rule",): 18,
    ("rule", 0): 18,
    ("rule", 0, "when", "deal.amount", "gte"): 20,
    ("rule", 0, "when", "lead", "status"): 20,
    ("rule", 0, "tasks", 0, "kind"): 22,
    ("rule", 0, "tasks", 0, "extra", "x"): 24,
    ("rule", 1): 25,
    ("rule", 1, "key"): 26,
    ("rule", 1, "tasks", 0): 27,
    ("rule", 1, "tasks", 1, "kind"): 30,
    ("rule", 1, "tasks", 1, "on"): 31,
    ("rule", 1, "tasks", 1, "last"): 32,
}


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("path", LINES, ids=str)
def test_every_key_has_its_line(path, ends) -> None:
    assert Positions(TEXT.replace("\n", ends)).line(path) == LINES[path]


def test_the_text_of_this_test_is_valid_toml() -> None:
    assert tomllib.loads(TEXT)["rule"][1]["tasks"][1]["kind"] == "k2"


def test_what_is_not_written_stands_at_the_table_around_it() -> None:
    places = Positions(TEXT)
    assert places.line(("rule", 1, "tasks", 1, "missing", "deeper")) == 29
    assert places.line(("nowhere",)) == 1


def test_an_empty_text_has_one_line() -> None:
    assert Positions("").line(("anything",)) == 1
