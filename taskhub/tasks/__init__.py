"""The unit of human work: its life cycle, its clocks, its order, who holds it."""
