"""A task as clients get it, wherever it is told: answers of the API, events that leave the house."""
