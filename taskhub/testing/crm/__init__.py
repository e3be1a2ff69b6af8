"""Fake CRMs: one small app per system with state, a clock that tests move, and switches for what goes wrong.

They are our own reading of the vendors' documents, not the vendors' systems.
"""
