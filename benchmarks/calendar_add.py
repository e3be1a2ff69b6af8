"""Due times a second: BusinessCalendar.add beside the businesstimedelta package, on the same calendars.

Method: for each calendar and budget the same 64 starts, spread over 2026, go to both. First the answers are compared;
then the two take turns, a short round each, so that both feel the same machine. The ratio of a case is the median over
the pairs of rounds. Ours runs warm, as in a process that has seen the calendar once; the first call of all is shown
apart. `same` is the share of equal answers: started after midnight, the baseline forgets the rest of a night shift.

Run it with `python -m benchmarks.calendar_add [seconds]`.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from time import perf_counter
from typing import Any

from taskhub.calendars import BusinessCalendar, parse

WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]
HOLIDAYS = [date(2026, 1, 1), date(2026, 5, 1), date(2026, 7, 14), date(2026, 12, 25), date(2027, 1, 1)]
BUDGETS = (1, 8, 80)
STARTS = [datetime(2026, 1, 5, 10, 30, tzinfo=UTC) + timedelta(hours=131 * index) for index in range(64)]
ROUNDS = 9

Add = Callable[[datetime, timedelta], datetime]


@dataclass(frozen=True)
class Hours:
    """One calendar as both sides can say it: one stretch a workday, with or without lunch and holidays."""

    name: str
    tz: str
    opens: int
    closes: int
    lunch: bool = False
    holidays: bool = False


CALENDARS = (
    Hours("one, no zone", "UTC", 9, 17),
    Hours("one opening", "Europe/Paris", 9, 17),
    Hours("lunch", "Europe/Paris", 9, 17, lunch=True),
    Hours("lunch, holidays", "Europe/Paris", 9, 17, lunch=True, holidays=True),
    Hours("night shift", "America/New_York", 22, 6),
)


def ours(hours: Hours) -> BusinessCalendar:
    end = f"{hours.closes:02d}:00"
    day = [f"{hours.opens:02d}:00-12:00", f"13:00-{end}"] if hours.lunch else [f"{hours.opens:02d}:00-{end}"]
    days = HOLIDAYS if hours.holidays else []
    return parse({"tz": hours.tz, "weekly": dict.fromkeys(WORKDAYS, day), "holidays": days}, key=hours.name)


def theirs(hours: Hours) -> Add:
    baseline, zones = _library("businesstimedelta"), _library("pytz")
    tz = zones.timezone(hours.tz)
    rules = [baseline.WorkDayRule(time(hours.opens), time(hours.closes), [0, 1, 2, 3, 4], tz=tz)]
    if hours.lunch:
        rules.append(baseline.LunchTimeRule(time(12), time(13), [0, 1, 2, 3, 4], tz=tz))
    if hours.holidays:
        rules.append(baseline.HolidayRule(HOLIDAYS, tz=tz))
    together = baseline.Rules(rules)

    def add(start: datetime, budget: timedelta) -> datetime:
        due: datetime = start + baseline.BusinessTimeDelta(together, timedelta=budget)
        return due

    return add


def run(seconds: float = 12.0) -> dict[str, Any]:
    """Rows of {calendar, budget_h, ours_per_s, baseline_per_s, ratio, first_call_s, same}, and the median ratio."""
    share = seconds / (len(CALENDARS) * len(BUDGETS) * ROUNDS * 2)
    rows = [_measure(hours, timedelta(hours=budget), share) for hours in CALENDARS for budget in BUDGETS]
    ratios = [row["ratio"] for row in rows]
    return {"rows": rows, "ratio_median": median(ratios), "ratio_lowest": min(ratios)}


def _measure(hours: Hours, budget: timedelta, share: float) -> dict[str, Any]:
    calendar, baseline = ours(hours), theirs(hours)
    began = perf_counter()
    calendar.add(STARTS[0], budget)
    first_call = perf_counter() - began
    same = sum(calendar.add(start, budget) == baseline(start, budget) for start in STARTS)
    pairs = [(_rate(calendar.add, budget, share), _rate(baseline, budget, share)) for _ in range(ROUNDS)]
    return {
        "calendar": hours.name,
        "budget_h": budget // timedelta(hours=1),
        "ours_per_s": median(one for one, _ in pairs),
        "baseline_per_s": median(other for _, other in pairs),
        "ratio": median(one / other for one, other in pairs),
        "first_call_s": first_call,
        "same": same / len(STARTS),
    }


def _rate(add: Add, budget: timedelta, share: float) -> float:
    """Calls a second over at least `share` seconds."""
    calls, began = 0, perf_counter()
    while True:
        for start in STARTS[calls % len(STARTS) :][:8]:
            add(start, budget)
        calls += 8
        took = perf_counter() - began
        if took >= share:
            return calls / took


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise SystemExit("The baseline is missing: install the extra `bench` (businesstimedelta).") from None


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calendar_add",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("seconds", type=float, nargs="?", default=12.0, help="how long to measure, default 12")
    result = run(parser.parse_args().seconds)
    print(f"{'calendar':<16}{'budget':>7}{'ours/s':>11}{'baseline/s':>12}{'ratio':>8}{'same':>6}{'first call':>12}")
    for row in result["rows"]:
        print(
            f"{row['calendar']:<16}{row['budget_h']:>5} h{row['ours_per_s']:>11,.0f}{row['baseline_per_s']:>12,.0f}"
            f"{row['ratio']:>8,.0f}{row['same']:>6.0%}{row['first_call_s'] * 1000:>9.1f} ms"
        )
    print(f"median ratio {result['ratio_median']:,.0f}, lowest {result['ratio_lowest']:,.0f}")


if __name__ == "__main__":
    main()
