"""The Explain screen: why a page is cached or not."""
