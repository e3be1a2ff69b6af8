"""Names for people and companies that do not exist. Pure."""

from __future__ import annotations

from random import Random

FIRST = (
    "Alice Boris Carla Denis Elsa Felix Gina Henri Ida Jules Klara Louis Mona Nils Odile Pavel Rosa Stefan Tina Yves"
)
LAST = "Adler Bernard Costa Durand Evans Fischer Garnier Hansen Ivanov Jensen Kraus Lopez Meyer Nowak Okafor Perrin"
HALF = "Alpha Boreal Cobalt Delta Ember Fjord Granit Helio Indigo Juniper Kestrel Lumen Mistral Nordic Opal Prisma"
TRADE = "Energy Foods Freight Glass Health Labs Logistics Marine Paper Robotics Steel Textiles Tools Travel Water Works"


def person(rng: Random) -> str:
    """First and last name."""
    return f"{rng.choice(FIRST.split())} {rng.choice(LAST.split())}"


def company(rng: Random) -> str:
    """A company's name."""
    return f"{rng.choice(HALF.split())} {rng.choice(TRADE.split())}"
