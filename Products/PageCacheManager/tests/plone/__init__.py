"""Tests on a real Plone site, in a process of their own: see conftest."""
