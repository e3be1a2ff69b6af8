"""Every call on one page, written here from the OpenAPI document: no script, nothing from elsewhere. Pure.

People open it with an administrator's key at hand, and on machines without a way out. So its policy lets it load
nothing at all but the one style it brings.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem }
code { font: 0.9em ui-monospace, monospace }
nav { display: flex; flex-wrap: wrap; gap: 0.2em 0.8em }
details { border: 1px solid #8886; border-radius: 4px; margin: 0.4em 0; padding: 0.3em 0.8em }
summary { cursor: pointer; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; margin: 0.4em 0 0.8em }
caption { text-align: left; font-weight: 600 }
th, td { border-top: 1px solid #8886; padding: 0.2em 0.8em 0.2em 0; text-align: left; vertical-align: top }
td { overflow-wrap: anywhere }
:target { outline: 2px solid #48c }
"""
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LIMITS = {
    "minLength": "{} or more characters", "maxLength": "up to {} characters", "pattern": "of the form {}",
    "minimum": "at least {}", "maximum": "at most {}", "exclusiveMinimum": "more than {}",
    "minItems": "{} or more of them", "maxItems": "up to {} of them", "maxProperties": "up to {} names",
    "default": "{} when left out",
}  # fmt: skip
WORDS = {"string": "text", "object": "table", "integer": "whole number", "boolean": "true or false", "array": "list"}
SHAPE = "#/components/schemas/"

Schema = Mapping[str, Any]


def page(document: Schema) -> str:
    """HTML that lists the calls by tag, then the shapes of what is sent."""
    nouns: dict[str, list[str]] = {}
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            for tag in call.get("tags") or ["other"]:
                nouns.setdefault(tag, []).append(_call(method, path, call))
    title = f"{_text(document['info']['title'])} {_text(document['info']['version'])}"
    names = "".join(f'<a href="#{_id(noun)}">{_text(noun)}</a>' for noun in (*nouns, "shapes"))
    parts = "".join(f'<h2 id="{_id(noun)}">{_text(noun)}</h2>{"".join(calls)}' for noun, calls in nouns.items())
    schemas = document.get("components", {}).get("schemas", {})
    shapes = "".join(_shape(name, schema) for name, schema in schemas.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: every call</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{title}: every call</h1><p>Send <code>Authorization: Bearer KEY</code> and JSON in UTF-8. "
        f'For programs the same is at <a href="/openapi.json">/openapi.json</a>.</p><nav>{names}</nav>{parts}'
        f'<h2 id="{_id("shapes")}">shapes</h2><p>What bodies and their fields are made of.</p>{shapes}</body></html>'
    )


def _call(method: str, path: str, call: Schema) -> str:
    said = _prose(call.get("description") or call.get("summary") or "")
    may = call.get("x-permission")
    asked = f"<p>Permission: <code>{_text(may)}</code></p>" if may else ""
    rows = [
        (f"{one['name']} ({one['in']})", one["schema"], one.get("required", False), one.get("description", ""))
        for one in call.get("parameters", ())
    ]
    return (
        f"<details><summary><b><code>{method.upper()} {_text(path)}</code></b> {said}</summary>{asked}"
        f"{_table('Parameters', rows)}{_body(call.get('requestBody'))}{_answers(call.get('responses', {}))}</details>"
    )


def _body(body: Schema | None) -> str:
    if body is None:
        return ""
    kinds = "".join(
        f"<tr><td><code>{_text(media)}</code></td><td>{_kind(content.get('schema', {}))}</td></tr>"
        for media, content in body.get("content", {}).items()
    )
    need = "required" if body.get("required") else "may be left out"
    return f"<table><caption>Body ({need})</caption>{kinds}</table>"


def _answers(answers: Schema) -> str:
    """Codes that mean the same share a line."""
    codes: dict[str, list[str]] = {}
    for code, answer in answers.items():
        codes.setdefault(answer.get("description", ""), []).append(code)
    rows = "".join(f"<tr><td>{_text(', '.join(some))}</td><td>{_prose(said)}</td></tr>" for said, some in codes.items())
    return f"<table><caption>Answers</caption>{rows}</table>"


def _shape(name: str, schema: Schema) -> str:
    required = schema.get("required", ())
    rows = [
        (field, told, field in required, told.get("description", ""))
        for field, told in schema.get("properties", {}).items()
    ]
    said = _prose(schema.get("description", ""))
    one = "" if rows else f"<p>{_kind(schema)}</p>"
    return f'<h3 id="{_id(name)}">{_text(name)}</h3><p>{said}</p>{one}{_table("Fields", rows)}'


def _table(title: str, rows: list[tuple[str, Schema, bool, str]]) -> str:
    if not rows:
        return ""
    told = "".join(
        f"<tr><td><code>{_text(name)}</code></td><td>{'required' if need else ''}</td>"
        f"<td>{'. '.join(filter(None, (_kind(schema), _prose(said))))}</td></tr>"
        for name, schema, need, said in rows
    )
    return f"<table><caption>{title}</caption>{told}</table>"


def _kind(schema: Schema) -> str:
    """What a value may be, in a phrase."""
    if name := str(schema.get("$ref", "")).removeprefix(SHAPE):
        return f'<a href="#{_id(name)}">{_text(name)}</a>'
    limits = [said.format(_text(_plain(schema[key]))) for key, said in LIMITS.items() if schema.get(key) is not None]
    return ", ".join((" or ".join(_sorts(schema)) or "anything", *limits))


def _sorts(schema: Schema) -> Iterator[str]:
    some = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    if some:
        yield from map(_kind, some)
    elif "enum" in schema or "const" in schema:
        yield from (f"<code>{_text(one)}</code>" for one in schema.get("enum", [schema.get("const")]))
    elif "prefixItems" in schema:
        yield f"list of {', '.join(map(_kind, schema['prefixItems']))}"
    elif isinstance(schema.get("items"), Mapping):
        yield f"list of {_kind(schema['items'])}"
    elif isinstance(schema.get("additionalProperties"), Mapping) and schema["additionalProperties"]:
        yield f"table of {_kind(schema['additionalProperties'])}"
    elif "type" in schema:
        yield _text(schema.get("format") or WORDS.get(schema["type"], schema["type"]))


def _plain(value: Any) -> Any:
    """Whole numbers without a fraction, true and false as JSON has them."""
    if isinstance(value, bool):
        return str(value).lower()
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _prose(text: str) -> str:
    return re.sub(r"``(.+?)``", r"<code>\1</code>", _text(" ".join(text.split())))


def _id(name: str) -> str:
    return f"_{re.sub('[^A-Za-z0-9-]', '-', name)}"


def _text(value: Any) -> str:
    return escape(str(value))
