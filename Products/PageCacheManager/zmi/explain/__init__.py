"""The screen that says why a page is cached or not."""
