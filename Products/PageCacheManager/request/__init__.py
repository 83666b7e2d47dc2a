"""The way of a request, one step a file."""
