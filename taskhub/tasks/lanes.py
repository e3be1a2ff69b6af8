"""Tasks move into the lane they were drawn or taken for: another shape, nothing else about them changes."""

from __future__ import annotations

from collections.abc import Sequence

from taskhub.db.tx import Tx
from taskhub.tasks import store
from taskhub.tasks.shape import Shape


def draw(tx: Tx, rows: Sequence[tuple[str, Shape]]) -> None:
    """``rows``: locked tasks with the shape they have from now on. No transition, so no history."""
    for shape in {shape for _, shape in rows}:
        store.know_shape(tx, shape)
    for id_, shape in rows:
        store.save(tx, id_, {"shape": shape.id, "waiting_reasons": None})
