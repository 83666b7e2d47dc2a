"""The Explain screen: the reason why a page is cached or not."""
