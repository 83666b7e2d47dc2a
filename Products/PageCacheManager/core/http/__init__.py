"""The rules of HTTP: conditions, headers, codings, Cache-Status."""
