"""The way of a request: one step in each file."""
