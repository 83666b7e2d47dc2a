"""The command ``pagecache``: a running site asked from a shell."""
