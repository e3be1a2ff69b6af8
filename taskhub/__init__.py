"""taskhub: sales events become tasks for the back office, each with a deadline and the right person.

An event enters through `api` or `connectors`, is stored once by `events`, projected by `sales` and matched by `rules`;
`tasks` creates the work, `assignment` gives it to a person, `sla` and `escalation` watch the clock, `metrics` and
`staffing` read what happened. Each hop is one transaction; `flow` shows them all as one table.
"""

__version__ = "0.1.0"
