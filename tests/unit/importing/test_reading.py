"""Files as people have them: encodings, delimiters, quotes that span lines, rows that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from taskhub.errors import InvalidInput
from taskhub.importing import reading
from taskhub.importing.decoding import Open, lines
from taskhub.importing.model import Opened, Row

TEXT = "Näme;Straße\nJosé;Rue de l’Été\n"


def of(raw: bytes, part: int = 7) -> Open:
    def chunks() -> Iterator[bytes]:
        return (raw[at : at + part] for at in range(0, len(raw), part))

    return chunks


def read(raw: bytes, part: int = 7, **forms: str) -> tuple[Opened, list[Row]]:
    opened = reading.opened(of(raw, part), **forms)
    return opened, list(reading.body(of(raw, part), opened.encoding, opened.delimiter))[1:]


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (TEXT.encode("cp1252"), "windows-1252"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
    ],
)
@pytest.mark.parametrize("part", [1, 3, 4096])
def test_every_encoding_is_found_whatever_the_pieces(raw: bytes, encoding: str, part: int) -> None:
    opened = reading.opened(of(raw, part))
    assert (opened.encoding, opened.delimiter, opened.header) == (encoding, ";", ("Näme", "Straße"))
    assert opened.sample == (Row(2, ["José", "Rue de l’Été"]),)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(delimiter: str, end: str) -> None:
    lines = [["name", "say"], ["Ann", 'a "b" c'], ["Bob", f"1{end}2, 3; 4"], ["", ""], ["Cy", ""]]
    text = end.join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines) + end
    opened, rows = read(text.encode())
    assert (opened.delimiter, opened.header) == (delimiter, ("name", "say"))
    assert [row.cells for row in rows] == [lines[1], lines[2], lines[4]]
    assert [row.line for row in rows] == [2, 3, 6]


def test_the_line_for_spreadsheets_is_no_header() -> None:
    opened, rows = read(b"sep=;\r\na,b;c\r\n1;2\r\n")
    assert (opened.delimiter, opened.header, rows) == (";", ("a,b", "c"), [Row(3, ["1", "2"])])


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    _, rows = read(b'a,b\n"open,1\nx,2\ny,3\n')
    assert [(row.line, row.fault) for row in rows] == [(2, "broken_quotes"), (3, None), (4, None)]
    assert rows[0].cells == ['"open,1']


def test_quotes_that_make_no_sense_cost_one_row() -> None:
    _, rows = read(b'a,b\n"x"y,1\nz,2\n"p ""q"" r",3\n5" pipe,4\n')
    assert [(row.line, row.fault) for row in rows] == [(2, "broken_quotes"), (3, None), (4, None), (5, None)]
    assert rows[2].cells == ['p "q" r', "3"]
    assert rows[3].cells == ['5" pipe', "4"]


def test_a_cell_of_ten_megabytes_is_one_refused_row() -> None:
    opened, rows = read(b"a,b\n" + b"x" * 10_000_000 + b",1\nok,2\n", part=65_536, delimiter="comma")
    assert opened.header == ("a", "b")
    assert [(row.line, row.fault, len(row.cells[0]) < 3_000) for row in rows] == [
        (2, "row_too_long", True), (3, None, True),
    ]  # fmt: skip


def test_a_file_of_broken_quotes_ends_soon() -> None:
    """Each row looks ahead as far as a row may go: without a most of them, the end of a long file is never seen."""
    raw = b"a,b\n" + b'a","b\n' * 100_000
    asked = 0

    def chunks() -> Iterator[bytes]:
        nonlocal asked
        for at in range(0, len(raw), 1_000):
            asked += 1
            yield raw[at : at + 1_000]

    found = reading.rows(lines(chunks(), "utf-8"), ",")
    with pytest.raises(InvalidInput, match="quotes") as error:
        list(found)
    assert error.value.stable_code == "broken_file"
    assert asked * 1_000 < len(raw)


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"\xef\xbb\xbf", "\ufeff".encode("utf-16-le"), b"   \n"])
def test_an_empty_file_says_so(raw: bytes) -> None:
    with pytest.raises(InvalidInput) as error:
        read(raw)
    assert error.value.stable_code == "empty_file"


@pytest.mark.parametrize("raw", [b"name", b"name,x\n"])
def test_a_header_alone_is_no_row(raw: bytes) -> None:
    assert read(raw)[1] == []


def test_one_row() -> None:
    assert read(b"name\nAnn")[1] == [Row(2, ["Ann"])]


def test_a_heading_that_stands_twice_is_told_with_its_places() -> None:
    with pytest.raises(InvalidInput, match=r"columns 1, 3") as error:
        read(b"name,x,name\n1,2,3\n")
    assert error.value.stable_code == "header_twice"
    assert read(b"name,,\n1,2,\n")[0].header == ("name",)
    assert read(b"name,,x\n1,2,3\n")[0].header == ("name", "column 2", "x")


def test_five_thousand_columns_are_too_many() -> None:
    with pytest.raises(InvalidInput) as error:
        read(",".join(f"c{n}" for n in range(5_000)).encode() + b"\n")
    assert error.value.stable_code == "too_many_columns"


def test_names_of_encodings_and_delimiters_are_looked_up() -> None:
    assert read("é\n".encode("cp1252"), encoding="CP1252")[0].header == ("é",)
    for forms, code in (({"encoding": "utf9"}, "unknown_encoding"), ({"delimiter": "x"}, "unknown_delimiter")):
        with pytest.raises(InvalidInput) as error:
            read(b"a\n", **forms)
        assert error.value.stable_code == code


def test_a_workbook_is_no_csv() -> None:
    with pytest.raises(InvalidInput, match="save it as CSV"):
        read(b"PK\x03\x04more", part=64)


def test_nul_bytes_stay_in_their_cell() -> None:
    assert read(b"a,b\nx\x00y,1\n")[1] == [Row(2, ["x\x00y", "1"])]
