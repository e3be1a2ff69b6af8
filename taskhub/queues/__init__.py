"""How a queue is served now: switches of its staffing, people lent to it, periods, and what stops it."""
