"""The volatile part of a manager: pages, flights and counters."""
