"""Hits that are rendered again: which ones, and what differs."""
