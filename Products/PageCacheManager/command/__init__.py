"""The command ``pagecache``, which works on a running site from a shell."""
