"""The nearest people first: pure, so that the same facts give the same answer for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import asin, cos, radians, sin, sqrt
from typing import Any

from taskhub.assignment.model import QueueFacts, Score
from taskhub.assignment.seams import PlainStrategy
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape

EARTH_KM = 6371.0
FARTHEST_KM = 20_040.0
NEAR_KM = 25.0


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along the surface, between two places (latitude, longitude in degrees).

    >>> round(distance_km((48.86, 2.35), (45.76, 4.84)))
    392
    """
    (lat, lon), (to_lat, to_lon) = (tuple(map(radians, place)) for place in (one, other))
    half = sin((to_lat - lat) / 2) ** 2 + cos(lat) * cos(to_lat) * sin((to_lon - lon) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


def place_of(value: Any) -> tuple[float, float] | None:
    """A place, if it is one."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    if not all(isinstance(part, int | float) and not isinstance(part, bool) for part in value):
        return None
    lat, lon = value
    return (float(lat), float(lon)) if -90 <= lat <= 90 and -180 <= lon <= 180 else None


class NearestOffice(PlainStrategy):
    """``distance`` in steps of ``near_km``, then ``load``. Who says nothing of their place comes last."""

    name = "nearest_office"
    version = "1.0"
    parts = ("distance", "load")

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        params = queue.strategy_params
        here, there = place_of(who.facts.attributes.get("place")), place_of(params.get("place"))
        far = distance_km(here, there) if here and there else FARTHEST_KM
        return (far // params.get("near_km", NEAR_KM), who.load)

    def check(self, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """``place`` may be left out: then the lighter load decides."""
        yield from ((name, f"is not a parameter of {self.name}") for name in params if name not in ("place", "near_km"))
        if "place" in params and place_of(params["place"]) is None:
            yield "place", "must be [latitude, longitude] in degrees"
        near = params.get("near_km", NEAR_KM)
        if isinstance(near, bool) or not isinstance(near, int | float) or not 0 < near <= FARTHEST_KM:
            yield "near_km", f"must lie above 0 and not above {FARTHEST_KM:g}"


nearest_office = NearestOffice()
