"""Integrations of other packages, each behind a ZCML condition."""
