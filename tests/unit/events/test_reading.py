"""The strict reader: what it takes, what it refuses and by which code."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhub.errors import InvalidInput
from taskhub.events.canonical import body_hash, canonical
from taskhub.events.reading import MAX_BYTES, MAX_DEPTH, MAX_KEYS, read_json

CODES = {
    "too_large",
    "byte_order_mark",
    "not_utf8",
    "not_json",
    "too_deep",
    "too_many_keys",
    "duplicate_key",
    "number_out_of_range",
    "bad_text",
}
REFUSED = {
    "truncated": (b'{"a": 1', "not_json"),
    "empty": (b"", "not_json"),
    "trailing bytes": (b'{"a": 1} x', "not_json"),
    "two values": (b"{}{}", "not_json"),
    "single quotes": (b"{'a': 1}", "not_json"),
    "NaN": (b'{"a": NaN}', "not_json"),
    "Infinity": (b'{"a": -Infinity}', "not_json"),
    "1e400": (b'{"a": 1e400}', "number_out_of_range"),
    "2**63": (b'{"a": 9223372036854775808}', "number_out_of_range"),
    "a number of 5,000 digits": (b"9" * 5_000, "number_out_of_range"),
    "Arabic-Indic digits": ('{"a": ٣}'.encode(), "not_json"),
    "UTF-8 mark": (b"\xef\xbb\xbf{}", "byte_order_mark"),
    "UTF-16 with mark": ("{}".encode("utf-16"), "byte_order_mark"),
    "UTF-16 without mark": ('{"a": 1}'.encode("utf-16-le"), "not_json"),
    "Latin-1": ('{"a": "é"}'.encode("latin-1"), "not_utf8"),
    "duplicate key": (b'{"a": 1, "b": {"c": 1, "c": 2}}', "duplicate_key"),
    "duplicate key, escaped": (b'{"a": 1, "\\u0061": 2}', "duplicate_key"),
    "depth 10,000": (b"[" * 10_000 + b"]" * 10_000, "too_deep"),
    "depth 10,000, never closed": (b'{"a":' * 10_000, "too_deep"),
    "50,000 keys": (json.dumps({str(n): n for n in range(50_000)}).encode(), "too_many_keys"),
    "50,000 keys in many objects": (json.dumps([{"k": n} for n in range(50_000)]).encode(), "too_many_keys"),
    "null character": (b'{"a": "x\\u0000y"}', "bad_text"),
    "null character in a key": (b'{"a\\u0000": 1}', "bad_text"),
    "lone surrogate": (b'{"a": ["\\ud83d"]}', "bad_text"),
    "surrogates the wrong way round": (b'"\\ude00\\ud83d"', "bad_text"),
    "raw control character": (b'{"a": "x\x00y"}', "not_json"),
    "10 MiB": (b" " * 10 * 1024 * 1024, "too_large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(name: str) -> None:
    body, code = REFUSED[name]
    with pytest.raises(InvalidInput) as refusal:
        read_json(body)
    assert refusal.value.stable_code == code
    assert len(refusal.value.message) < 300


def test_says_where() -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_json(b'{"a": tru}')
    assert refusal.value.fields["position"] == 6


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b" [1, -0, 2.5, 1e3] ", [1, 0, 2.5, 1000.0]),
        (b'{"a": "\\ud83d\\ude00 \\u00e9"}', {"a": "😀 é"}),
        (b'"[[[[{{{{ \\" ]]"', '[[[[{{{{ " ]]'),
        (b"9223372036854775807", 2**63 - 1),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b'{"a": 1, "A": 2, "b": {"a": 1}}', {"a": 1, "A": 2, "b": {"a": 1}}),
    ],
)
def test_reads(body: bytes, value: object) -> None:
    assert value is None or read_json(body) == value
    read_json(body)


def test_brackets_inside_text_are_not_depth() -> None:
    text = "[" * (MAX_DEPTH * 10)
    assert read_json(json.dumps({"a": text}).encode()) == {"a": text}


def test_as_many_keys_as_allowed() -> None:
    assert len(read_json(json.dumps({str(n): n for n in range(MAX_KEYS)}).encode())) == MAX_KEYS


@pytest.mark.parametrize("body", [b'"' + b'\\"' * (MAX_BYTES // 2 - 1), b'"' * (MAX_BYTES - 1), b"\\" * MAX_BYTES])
def test_hostile_quotes_are_refused_at_full_length(body: bytes) -> None:
    # No clock here: a scan that went back over what it had read would not come to an end at this length.
    with pytest.raises(InvalidInput):
        read_json(body)


def outcome(body: bytes) -> tuple[object, str | None]:
    try:
        return read_json(body), None
    except InvalidInput as refusal:
        return None, refusal.stable_code


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused_by_a_known_code(body: bytes) -> None:
    value, code = outcome(body)
    assert code in CODES or json.loads(canonical(value)) == value


@given(json_values.filter(lambda value: "Infinity" not in json.dumps(value)))
def test_the_hash_does_not_depend_on_spelling(value: object) -> None:
    def backwards(item: object) -> object:
        if isinstance(item, dict):
            return {key: backwards(item[key]) for key in reversed(item)}
        return [backwards(part) for part in item] if isinstance(item, list) else item

    assert body_hash(backwards(value)) == body_hash(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.30000000000000004"),
        (1e21, "1e+21"),
        (1.5e-7, "1.5e-7"),
        (0.000001, "0.000001"),
        (-0.0, "0"),
        (1e20, "100000000000000000000"),
        (123456789012345678, "123456789012345678"),
        ({"\U0001f600": 1, "\ufb33": 2, "a": 3}, '{"a":3,"\U0001f600":1,"\ufb33":2}'),
        ('\u20ac\n"', '"€\\n\\""'),
        ([True, None, ()], "[true,null,[]]"),
    ],
)
def test_canonical_form(value: object, text: str) -> None:
    assert canonical(value) == text
