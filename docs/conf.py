"""Sphinx: `make docs`."""

from importlib.metadata import version as version_of


project = 'Products.PageCacheManager'
author = 'Products.PageCacheManager contributors'
copyright = '2008-2026, ' + author
version = release = version_of(project)

extensions = []
exclude_patterns = ['_build']
html_theme = 'alabaster'
html_theme_options = {'description': 'Whole pages from memory, never stale'}
