"""Tests on a real Plone site: a process of their own, see conftest."""
