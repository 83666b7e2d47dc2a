"""Trials that take minutes: many clients at once, and memory over time.

``python -m soak`` and ``python -m soak.memory``, in the directory above;
``make soak`` and ``make memory`` do it.
"""
