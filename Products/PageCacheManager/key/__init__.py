"""The key of a page: requests with equal keys share the page."""
