"""Checks of the cache's HTTP by tools that others wrote.

Each test starts real programs and talks to the demo site over a socket;
`make conformance` runs them.  The results are in docs/conformance.rst.
"""
