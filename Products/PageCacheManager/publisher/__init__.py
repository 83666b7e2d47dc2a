"""Access to Zope's request and response."""
