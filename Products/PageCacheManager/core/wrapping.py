"""Wraps methods of other packages with functions of ours."""
from collections.abc import Callable
from functools import update_wrapper
from typing import Any


def wrap(
        kind: type, name: str,
        make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace a method by the result of `make`, once.

    `make` gets the plain method.
    """
    plain = getattr(kind, name)
    if not hasattr(plain, 'page_cache_plain'):
        method: Any = update_wrapper(make(plain), plain)
        method.page_cache_plain = plain
        setattr(kind, name, method)
