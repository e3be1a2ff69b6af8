"""Writes the first revision afresh from the tables: ``python -m taskhub.db.migrations.freeze``.

For the time before the first release only. Afterwards every change of the tables is a new revision of its own.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from taskhub.db.tables import metadata
from taskhub.db.types import Instant, Json, Key, Serial

TARGET = Path(__file__).parent / "versions" / "0001_tables.py"
HEAD = '''"""The tables as they were first released."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Json, Key, Serial

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# fmt: off
'''
TAIL = """

def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence("fence")))
"""
LONGEST = 38


def freeze() -> str:
    """The text of the revision that makes every table of ``metadata`` in an empty database."""
    with create_engine("sqlite://").connect() as conn:
        context = MigrationContext.configure(conn, opts={"render_item": _type})
        operations = produce_migrations(context, metadata).upgrade_ops
        if operations is None:
            raise RuntimeError("the metadata has no table")
        lines = render_python_code(operations, render_item=_type).splitlines()
    statements = "\n".join(line.removeprefix("    ") for line in lines if "#" not in line)
    parts = [""]
    for statement in re.split(r"\n(?=op\.)", statements.strip()):
        filled = _filled(statement)
        if (parts[-1] + filled).count("\n") > LONGEST:
            parts.append("")
        parts[-1] += filled
    functions = [f"\n\ndef _part_{number}() -> None:\n{body}" for number, body in enumerate(parts, 1)]
    calls = [f"    _part_{number}()\n" for number in range(1, len(parts) + 1)]
    return HEAD + "".join(functions) + TAIL + "".join(calls)


def _type(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    names = {id(Key): "Key", id(Json): "Json", id(Serial): "Serial"}
    if kind != "type":
        return False
    return "Instant" if isinstance(item, Instant) else names.get(id(item), False)


def _filled(statement: str) -> str:
    """The statement on as few lines as 120 columns allow, with double quotes."""
    joined = re.sub(r"\s*\n\s*", " ", statement).replace(", nullable=True", "").replace(" )", ")")
    quoted = re.sub(r"\"[^\"]*\"|'([^'\"]*)'", lambda m: m[0] if m[1] is None else f'"{m[1]}"', joined)
    glued = re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\)(?=,|\)$)", lambda m: m[0].replace(" ", "\0"), quoted)
    wrapped = textwrap.wrap(glued, 116, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return textwrap.indent("\n".join(wrapped).replace("\0", " "), "    ") + "\n"


if __name__ == "__main__":
    TARGET.write_text(freeze(), encoding="utf-8")
