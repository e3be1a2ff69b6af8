"""The workers: the loop over due rows, the actor, calendar jobs, an orderly end."""

from taskhub.workers.drain import run_due
from taskhub.workers.jobs import Job, daily, due_jobs, every
from taskhub.workers.processes import run_until_stopped, supervise
from taskhub.workers.worker import Worker

__all__ = ["Job", "Worker", "daily", "due_jobs", "every", "run_due", "run_until_stopped", "supervise"]
