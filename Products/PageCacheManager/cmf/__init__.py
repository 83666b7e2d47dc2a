"""The only door to CMFCore."""
