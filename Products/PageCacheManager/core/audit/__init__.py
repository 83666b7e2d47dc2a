"""Hits that are rendered again: their choice, and the differences found."""
