"""The bell: ids of rows that are due, and hints of what changed, sent over Redis. All of it may get lost."""

from taskhub.bell.bell import Bell

__all__ = ["Bell"]
