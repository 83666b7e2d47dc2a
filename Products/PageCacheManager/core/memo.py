"""Remembers results for arguments that are not too long.

If clients choose the keys of a cache, a limit for the number of entries does
not limit the memory.
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

    If the arguments have more than `max_length` characters, the result is
    computed each time.  Arguments are strings; with `is_spelled` they may have
    any type, and the length of their repr() counts.
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

        #: For callers that know that an argument is not too long.
        call.cached = cached  # type: ignore[attr-defined]
        #: For callers that need the number of remembered results.
        call.cache_info = cached.cache_info  # type: ignore[attr-defined]
        call.max_length = max_length  # type: ignore[attr-defined]
        return call
    return decorate
