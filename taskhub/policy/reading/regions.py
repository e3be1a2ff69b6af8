"""Public holidays of a country or region as explicit dates: an accepted set must not change with a library."""

from __future__ import annotations

import holidays

from taskhub.policy.reading.nearest import nearest

YEARS = range(2005, 2041)


class UnknownRegion(ValueError):
    """No such region; ``suggestion`` is the nearest code."""

    def __init__(self, message: str, suggestion: str | None) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


def dates_of(region: str) -> list[str]:
    """The public holidays of ``FR`` or ``DE-BY``, as ISO dates in order."""
    country, dash, part = region.partition("-")
    countries = holidays.list_supported_countries(include_aliases=False)
    if country not in countries:
        hint = nearest(country, countries, cutoff=0.5)
        message = f"there are no holidays of {region!r}; use a country code such as FR, or a region such as DE-BY."
        raise UnknownRegion(message, f"{hint}{dash}{part}" if hint else None)
    if dash and part not in countries[country]:
        hint = nearest(part, countries[country], cutoff=0.5)
        shown = ", ".join(countries[country][:20]) or "none"
        message = f"{country} has no region {part!r}; regions: {shown}."
        raise UnknownRegion(message, f"{country}-{hint}" if hint else country)
    days = holidays.country_holidays(country, subdiv=part or None, years=YEARS)
    return sorted(day.isoformat() for day in days if day.year in YEARS)
