"""A WSGI filter that answers hits before Zope."""
