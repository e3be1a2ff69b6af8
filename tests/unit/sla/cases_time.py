"""Open time: days, nights, holidays, breaks, zones and both changes of the clocks. Every answer worked out by hand.

2026-06-01 is a Monday. Europe changes on 03-29 (02:00 becomes 03:00) and 10-25 (03:00 becomes 02:00), New York on 03-08
and 11-01 at 02:00, Sydney on 04-05 at 03:00 (back) and 10-04 at 02:00, Lord Howe on the same days by half an hour.
"""

from tests.unit.sla.case import Case

DAYS = (
    Case("10 + 4 h", "office", "4h", "06-01 10:00", "06-01 14:00", warned="06-01 13:00"),
    Case("2 h until 17, 2 h from 9", "office", "4h", "06-01 15:00", "06-02 11:00", warned="06-02 10:00"),
    Case("used up exactly at closing", "office", "8h", "06-01 09:00", "06-01 17:00"),
    Case("one minute more waits for the night", "office", "8h1m", "06-01 09:00", "06-02 09:01"),
    Case("before opening counts from 9", "office", "1h", "06-01 05:00", "06-01 10:00"),
    Case("exactly at closing counts as closed", "office", "1h", "06-01 17:00", "06-02 10:00"),
    Case("in the night", "office", "8h", "06-01 23:30", "06-02 17:00"),
    Case("over a weekend: 1 h Fri, 3 h Mon", "office", "4h", "06-05 16:00", "06-08 12:00"),
    Case("on a Saturday", "office", "4h", "06-06 11:00", "06-08 13:00"),
    Case("five days of 8 h", "office", "40h", "06-01 09:00", "06-05 17:00"),
    Case("41st hour is Monday's first", "office", "41h", "06-01 09:00", "06-08 10:00"),
    Case("a quarter today, a quarter tomorrow", "office", "30m", "06-01 16:45", "06-02 09:15"),
    Case("lunch is closed: 11-12, 13-15", "split", "3h", "06-01 11:00", "06-01 15:00"),
    Case("used up at noon is due at noon", "split", "3h", "06-01 09:00", "06-01 12:00"),
    Case("came in at lunch", "split", "2h", "06-01 12:30", "06-01 15:00"),
    Case("8 h a day: 5 h Mon afternoon, 3 h Tue", "split", "8h", "06-01 12:00", "06-02 12:00"),
    Case("Fri 1 h, Sat 3 h, Mon 1 h", "saturdays", "5h", "06-05 16:00", "06-08 10:00"),
    Case("Sat used up at 13", "saturdays", "4h", "06-05 16:00", "06-06 13:00"),
    Case("round the clock", "always", "30h", "06-01 20:00", "06-03 02:00"),
)
FEASTS = (
    Case("1 May is closed: Thu 1 h, Mon 3 h", "feasts", "4h", "04-30 16:00", "05-04 12:00"),
    Case("came in on the holiday", "feasts", "4h", "05-01 10:00", "05-04 13:00"),
    Case("8 May has hours of its own, which win: 10-14", "feasts", "4h", "05-07 17:00", "05-08 14:00"),
    Case("8 May 4 h, Mon 11 May 4 h", "feasts", "8h", "05-07 17:00", "05-11 13:00"),
    Case("Whit Monday 25 May closed", "feasts", "2h", "05-22 16:00", "05-26 10:00"),
    Case("Christmas Eve closes at 12, 25 closed: 3 h + 3 h Mon", "feasts", "6h", "12-24 09:00", "12-28 12:00"),
    Case(
        "31 December has no hours at all, 1 January is none of ours", "feasts", "2h", "12-30 16:00", "2027-01-01 10:00"
    ),
    Case("a Saturday that is worked: 30 May 9-13", "feasts", "3h", "05-29 16:00", "05-30 11:00"),
    Case("a break of an hour: 11-12, 13-15", "breaks", "3h", "06-03 11:00", "06-03 15:00"),
    Case("came in during the break", "breaks", "1h", "06-03 12:20", "06-03 14:00"),
    Case("a break at opening: 4 June counts from 10:30", "breaks", "2h", "06-03 16:00", "06-04 11:30"),
    Case("a break over the whole day: 5 June is none", "breaks", "2h", "06-04 16:00", "06-08 10:00"),
    Case("two breaks: 9-10, 10:15-16 is 6:45", "breaks", "6h45m", "06-09 09:00", "06-09 16:00"),
    Case("and then the next day", "breaks", "7h", "06-09 09:00", "06-10 09:15"),
)
NIGHTS = (
    Case("22 to 2", "nights", "4h", "06-01 22:00", "06-02 02:00"),
    Case("23 to 6 is 7 h, 1 h the next night", "nights", "8h", "06-01 23:00", "06-02 23:00"),
    Case("by day it waits for 22", "nights", "1h", "06-02 12:00", "06-02 23:00"),
    Case("Friday night ends on Saturday 6", "nights", "8h", "06-05 22:00", "06-06 06:00"),
    Case("Saturday night is free: Fri 8 h, Mon 1 h", "nights", "9h", "06-05 22:00", "06-08 23:00"),
    Case("Sunday night is free, Monday 0-6 belongs to it", "nights", "1h", "06-08 03:00", "06-08 23:00"),
    Case(
        "the feast cuts Tue night at midnight: 2 h; Wed none; Thu 22",
        "nights_feast",
        "3h",
        "06-02 22:00",
        "06-04 23:00",
    ),
    Case("came in on the feast", "nights_feast", "1h", "06-03 23:00", "06-04 23:00"),
    Case("half an hour off at 1: 22-1, 1:30-2:30", "nights_break", "4h", "06-02 22:00", "06-03 02:30"),
    Case("Sat 22-6, then Mon 9", "weekend_nights", "9h", "06-06 22:00", "06-08 10:00"),
)
SPRING = (
    Case("the night of the change has 7 h: 22-6", "weekend_nights", "7h", "03-28 22:00", "03-29 06:00"),
    Case("an eighth hour is Monday's", "weekend_nights", "8h", "03-28 22:00", "03-30 10:00"),
    Case("real time: 3 h from midnight is 4 o'clock", "always", "3h", "03-29 00:00", "03-29 04:00"),
    Case("a day of 23 h", "always", "24h", "03-28 12:00", "03-29 13:00"),
    Case("2:30 is not there and means 3:30: 3:30-5", "gap_opening", "1h", "03-29 01:00", "03-29 04:30"),
    Case("1.5 h that day, rest next Sunday from 2:30", "gap_opening", "2h", "03-29 01:00", "04-05 03:00"),
    Case("closing 2:30 means 3:30: 0-3:30 on the clock is 2.5 h", "gap_closing", "2h30m", "03-29 00:00", "03-29 03:30"),
    Case("both ends in the gap move on alike", "gap_only", "40m", "03-29 00:00", "03-29 03:50"),
    Case("and 1 h more is Monday's", "gap_only", "1h40m", "03-29 00:00", "03-30 10:00"),
    Case("office hours do not feel it", "office", "10h", "03-27 15:00", "03-30 17:00"),
    Case("New York: 3 h from 1 o'clock", "new_york_always", "3h", "03-08 01:00", "03-08 05:00"),
    Case("New York by day", "new_york", "2h", "03-06 16:00", "03-09 10:00"),
    Case("Lord Howe leaps half an hour: 2 h from 1", "lord_howe", "2h", "10-04 01:00", "10-04 03:30"),
    Case("Sydney's night of 7 h", "sydney_nights", "7h", "10-03 22:00", "10-04 06:00"),
)
AUTUMN = (
    Case("the night of the change has 9 h: 22-6", "weekend_nights", "9h", "10-24 22:00", "10-25 06:00"),
    Case("5 h after 22 it is 2 o'clock for the second time", "weekend_nights", "5h", "10-24 22:00", "10-25 02:00*"),
    Case("4.5 h after 22 it is half past two, the first", "weekend_nights", "4h30m", "10-24 22:00", "10-25 02:30"),
    Case("a day of 25 h", "always", "24h", "10-24 12:00", "10-25 11:00"),
    Case("opening 2:30 is the first 2:30: to 5 it is 3.5 h", "gap_opening", "3h30m", "10-25 00:00", "10-25 05:00"),
    Case("1 h after the first 2:30 is the second 2:30", "gap_opening", "1h", "10-25 00:00", "10-25 02:30*"),
    Case("closing 2:30 is the first: 2.5 h, the rest a week on", "gap_closing", "3h", "10-25 00:00", "11-01 00:30"),
    Case("came in at the second 2:10, closed by then", "gap_only", "10m", "10-25 02:10*", "10-26 09:10"),
    Case("came in at the second 2:30: 2.5 h to 5", "gap_opening", "2h30m", "10-25 02:30*", "10-25 05:00"),
    Case(
        "New York: 3 h from 0:30 is the second 1:30 and an hour", "new_york_always", "3h", "11-01 00:30", "11-01 02:30"
    ),
    Case("New York's second 1:15", "new_york_always", "1h", "11-01 01:15", "11-01 01:15*"),
    Case("Lord Howe goes back half an hour: 2 h from 1", "lord_howe", "2h", "04-05 01:00", "04-05 02:30"),
    Case("Sydney's night of 9 h", "sydney_nights", "9h", "04-04 22:00", "04-05 06:00"),
    Case("office hours do not feel it", "office", "10h", "10-23 15:00", "10-26 17:00"),
)
ZONES = (
    Case(
        "Kathmandu: a quarter of an hour off, Friday 2 h, Sunday 2 h", "kathmandu", "4h", "06-05 15:00", "06-07 12:00"
    ),
    Case("Saint John's: half an hour off", "st_johns", "8h", "06-01 12:30", "06-02 12:30"),
    Case("Tokyo never changes", "tokyo", "9h", "03-27 17:00", "03-30 17:00"),
    Case("New York", "new_york", "8h", "06-01 16:30", "06-02 16:30"),
    Case("Apia had no 30 December 2011: Thu 1 h, Sat 1 h", "apia", "2h", "2011-12-29 16:00", "2011-12-31 10:00"),
    Case("and a week of seven opening days takes eight dates", "apia", "56h", "2011-12-28 09:00", "2012-01-04 17:00"),
    Case("29 February 2028 is a Tuesday: 1 h Mon, 8 h Tue", "office", "9h", "2028-02-28 16:00", "2028-02-29 17:00"),
)
TIME = (*DAYS, *FEASTS, *NIGHTS, *SPRING, *AUTUMN, *ZONES)
