"""The cache's HTTP judged by tools that others wrote.

Each test starts real programs and talks to the demo site over a socket;
`make conformance` runs them. What the tools said is in docs/conformance.rst.
"""
