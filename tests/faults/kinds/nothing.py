"""No harm at all: what the figures are where nothing goes wrong."""

from __future__ import annotations

from tests.faults import day

FAULT = day.fault("nothing", "a day without harm, to compare with", day.Under(lambda _house, _chance: None, strikes=1))
