"""Trials that take minutes: many clients at once, and memory over time.

``make soak`` and ``make memory`` run them.  They call ``python -m soak`` and
``python -m soak.memory`` in the directory above.
"""
