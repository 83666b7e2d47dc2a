"""Remembers results for arguments that are not too long.

A cache that is bounded by the number of its entries takes as much memory as
clients choose, if they choose the keys.
"""
from collections.abc import Callable
from functools import lru_cache
from functools import wraps
from typing import Any
from typing import TypeVar


R = TypeVar('R')


def remembered(
        most: int, max_length: int, is_spelled: bool = False,
        ) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Return a decorator that remembers the last `most` results.

    Arguments of more than `max_length` characters are worked out anew each
    time.  They are strings; any others count as they are spelled.
    """
    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        cached = lru_cache(maxsize=most)(function)

        @wraps(function)
        def call(*arguments: Any) -> R:
            length = len(repr(arguments)) if is_spelled else sum(
                map(len, arguments))
            if length > max_length:
                return function(*arguments)
            return cached(*arguments)

        #: For those who know that an argument is not too long.
        call.cached = cached  # type: ignore[attr-defined]
        #: For those who ask how much is remembered.
        call.cache_info = cached.cache_info  # type: ignore[attr-defined]
        call.max_length = max_length  # type: ignore[attr-defined]
        return call
    return decorate
