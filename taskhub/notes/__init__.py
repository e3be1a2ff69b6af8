"""Notes and links on records and tasks: what people tell each other about a customer and its work."""
