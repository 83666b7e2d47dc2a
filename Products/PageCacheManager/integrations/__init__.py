"""What other packages tell the cache, each behind a ZCML condition."""
