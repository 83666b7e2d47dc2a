"""A small CMF site that shows the cache at work; `make start` runs it.

Nothing here is loaded unless an instance includes this package's
configure.zcml.
"""
