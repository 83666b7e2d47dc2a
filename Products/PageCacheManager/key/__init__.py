"""Which requests share a page."""
