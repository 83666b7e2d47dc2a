"""Counters, statistics and reasons."""
