"""Events that other code may subscribe to.

They are tuples, so that no function of ours is called to make an event.
"""
from typing import Any
from typing import NamedTuple

from zope.interface import implementer

from ..interfaces import IPageDropped
from ..interfaces import IPagesPurged
from ..interfaces import IPageStored


@implementer(IPageStored)
class PageStored(NamedTuple):
    """See :class:`IPageStored`."""

    manager: Any
    template_path: str
    context_path: str
    url: str


@implementer(IPageDropped)
class PageDropped(NamedTuple):
    """See :class:`IPageDropped`."""

    manager: Any
    template_path: str
    context_path: str
    url: str
    reason: str


@implementer(IPagesPurged)
class PagesPurged(NamedTuple):
    """See :class:`IPagesPurged`."""

    manager: Any
    names: frozenset[str] | None
