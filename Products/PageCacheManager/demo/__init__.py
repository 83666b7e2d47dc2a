"""A small CMF site that demonstrates the cache; `make start` runs it.

It is loaded only if an instance includes the configure.zcml here.
"""
