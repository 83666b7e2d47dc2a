"""The only door to Zope's request and response."""
