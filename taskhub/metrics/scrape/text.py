"""The text format of Prometheus, version 0.0.4: one block per metric with its help and type. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from taskhub.metrics.scrape.families import FAMILIES, Family, Sample
from taskhub.tally import BOUNDS, Place

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Spreads = Mapping[Place, tuple[list[float], float]]


def page(samples: Iterable[Sample], counts: Mapping[Place, float], spreads: Spreads) -> str:
    """Every metric that has a value, in the order of the table of families."""
    lines: dict[str, list[str]] = defaultdict(list)
    for name, labels, value in samples:
        lines[name].append(_line(name, FAMILIES[name].labels, labels, value))
    for (name, *chosen), value in sorted(counts.items()):
        lines[name].append(_line(name, FAMILIES[name].labels, chosen, value))
    for (name, *chosen), (within, sum_) in sorted(spreads.items()):
        lines[name] += _spread(FAMILIES[name], chosen, within, sum_)
    return "".join(f"{line}\n" for family in FAMILIES.values() if family.name in lines for line in [
        f"# HELP {family.name} {_help(family.meaning)}", f"# TYPE {family.name} {family.kind}", *lines[family.name],
    ])  # fmt: skip


def _spread(family: Family, labels: list[str], within: list[float], total: float) -> Iterator[str]:
    seen, names = 0.0, (*family.labels, "le")
    for bound, count in zip((*map(_number, BOUNDS), "+Inf"), within, strict=True):
        seen += count
        yield _line(f"{family.name}_bucket", names, [*labels, bound], seen)
    yield _line(f"{family.name}_sum", family.labels, labels, total)
    yield _line(f"{family.name}_count", family.labels, labels, seen)


def _line(name: str, names: Iterable[str], labels: Iterable[str], value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in zip(names, labels, strict=True))
    return f"{name}{{{inside}}} {_number(value)}" if inside else f"{name} {_number(value)}"


def _number(value: float) -> str:
    """A value as the format writes it.

    >>> _number(3.0), _number(0.25)
    ('3', '0.25')
    """
    if math.isinf(value) or math.isnan(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
