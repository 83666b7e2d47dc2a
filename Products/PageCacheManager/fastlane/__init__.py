"""The WSGI filter that answers before Zope does."""
