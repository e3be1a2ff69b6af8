"""Business time: calendars, arithmetic in open time, and the words in which due times are promised. Pure."""

from taskhub.calendars.business_time import BusinessTime
from taskhub.calendars.calendar import WEEKDAYS, BusinessCalendar
from taskhub.calendars.dates import (
    first_working_day,
    last_working_day,
    month_after,
    month_begun,
    months_begun,
    working_day_after,
    working_day_from,
)
from taskhub.calendars.durations import format_duration, parse_duration
from taskhub.calendars.explain import WHY, Interval
from taskhub.calendars.openings import Opening, format_time, parse_time
from taskhub.calendars.parse import CALENDAR_KEYS, parse
from taskhub.calendars.pauses import (
    Elapsed,
    PauseSpan,
    Preview,
    cut,
    due_after,
    elapsed_with,
    in_order,
    open_time,
    preview,
)
from taskhub.calendars.problems import CalendarNeverOpens, CalendarProblem, PauseProblem, SpanTooLong
from taskhub.calendars.spliced import Spliced, agree
from taskhub.calendars.targets import MonthEnd, OpenTime, SameDay, Target, WorkingDays, parse_target
from taskhub.calendars.union import open_spans

__all__ = [
    "CALENDAR_KEYS",
    "WEEKDAYS",
    "WHY",
    "BusinessCalendar",
    "BusinessTime",
    "CalendarNeverOpens",
    "CalendarProblem",
    "Elapsed",
    "Interval",
    "MonthEnd",
    "OpenTime",
    "Opening",
    "PauseProblem",
    "PauseSpan",
    "Preview",
    "SameDay",
    "SpanTooLong",
    "Spliced",
    "Target",
    "WorkingDays",
    "agree",
    "cut",
    "due_after",
    "elapsed_with",
    "first_working_day",
    "format_duration",
    "format_time",
    "in_order",
    "last_working_day",
    "month_after",
    "month_begun",
    "months_begun",
    "open_spans",
    "open_time",
    "parse",
    "parse_duration",
    "parse_target",
    "parse_time",
    "preview",
    "working_day_after",
    "working_day_from",
]
