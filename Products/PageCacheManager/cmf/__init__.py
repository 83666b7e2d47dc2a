"""Access to CMFCore: the engine uses it only through this package."""
