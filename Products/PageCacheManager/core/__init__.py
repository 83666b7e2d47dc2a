"""The page cache itself in plain Python: nothing here imports Zope."""
