"""Files nobody should have to read: each is refused with its place, quickly, and nothing else breaks."""

import time

import pytest

from tests.unit.policy.small import SMALL, refused

MIB = 1024 * 1024
TEXTS = {
    "no TOML": ("a = 1\n[[kind\n", 2, "not valid TOML"),
    "a value that never ends": ('[[kind]]\nkey = "a\n', 2, "not valid TOML"),
    "end of file inside a list": ('[[kind]]\nkey = "a"\nx = [\n', 3, "not valid TOML"),
    "a key twice": ('[[kind]]\nkey = "a"\nkey = "b"\n', 3, "given twice"),
    "a table twice": ("[a]\n[b]\n[a]\n", 3, "given twice"),
    "a date that does not exist": ("a = 2026-02-30\n", 1, "not valid TOML"),
    "a null byte": ("a = '\0'\n", 1, "not valid TOML"),
    "an escaped null byte": ('[[kind]]\nkey = "a"\nname = "\\u0000"\n', 3, "U+0000"),
    "a direction override": ('[[kind]]\nname = "\u202egpj.exe"\n', 2, "U+202E"),
    "a null byte in a key": ('[[kind]]\n"a\\u0000" = 1\n', 2, "U+0000"),
    "a lone surrogate": ('[[kind]]\nname = "\ud800"\n', 2, ""),
    "too large": ("#" + "\n" * MIB, 1, "larger than 1 MiB"),
    "a line without end": (f"a = 1\nb = '{'x' * 5000}'\n", 2, "longer than"),
    "lists in lists": ("a = " + "[" * 1500 + "]" * 1500, 1, "nested too deeply"),
    "tables in tables": ("a = " + "{a=" * 800 + "1" + "}" * 800, 1, "nested too deeply"),
    "twenty levels": ("a = " + "[" * 20 + "]" * 20, 1, "nested too deeply"),
    "a key of a thousand parts": ("a = 1\n" + ".".join("b" * 1000) + " = 1", 2, "too many parts"),
    "a table of a thousand parts": ("a = 1\n[" + ".".join("b" * 1000) + "]", 2, "too many parts"),
    "a number of any size": ("[[kind]]\nlevel = 99999999999999999999\n", 2, "too large"),
    "a hexadecimal number of any size": ("[[kind]]\nlevel = 0x" + "f" * 3900 + "\n", 2, "too large"),
    "a number too long to read": ("[[kind]]\nlevel = " + "9" * 4500 + "\n", 2, ""),
}


@pytest.mark.parametrize("what", TEXTS)
@pytest.mark.parametrize("file", ["kinds", "rules"])
def test_it_is_refused_with_its_line(what, file) -> None:
    text, line, said = TEXTS[what]
    started = time.monotonic()
    problems = refused(**{file: text})
    assert time.monotonic() - started < 2
    assert {p.file for p in problems} == {f"{file}.toml"}
    assert (problems[0].line, said in problems[0].message) == (line, True), problems
    assert str(problems[0]).isprintable()


def test_a_file_of_many_mistakes_is_answered_in_seconds() -> None:
    kinds = "".join(f'[[kind]]\nkey = "k{n}"\nname = "N"\nqueue = "dsek{n}"\n' for n in range(5_000))
    started = time.monotonic()
    problems = refused(kinds=SMALL["kinds.toml"] + kinds)
    assert len(problems) == 5_000
    assert time.monotonic() - started < 10
