"""The store of pages."""
