"""Objects that name a Page Cache Manager as their cache.

If the package is removed before the manager, each template that names the
manager fails.  Then no code of the package can run, so the templates must be
found before.
"""
from itertools import islice
from typing import Any
from typing import NamedTuple

from Acquisition import aq_acquire
from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from OFS.Cache import filterCacheManagers

from ..cmf import guard
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..interfaces import IPageCacheManager
from ..key.versions import path_of


#: A screen searches at most this many objects for associations.
MOST_COUNTED = 10_000


class Naming(NamedTuple):
    """An object that names a manager."""

    ob: Any
    #: The id that it names.
    name: str
    #: The object that `ob` finds under that id, or None.
    manager: Any

    @property
    def path(self):
        """The path of the object."""
        return path_of(self.ob)

    @property
    def file(self):
        """The file that holds the association, '' if the database holds it.
        """
        path = guard.file_of(self.ob)
        return path and f'{path}.metadata'


def below(folder):
    """Yield all objects below a folder in the database.

    It loads an object only to list the objects in it.
    """
    pending = [folder]
    while pending:
        place = pending.pop()
        found = attempt(None, f'look into {place!r}', place.objectValues)
        for ob in () if found is FAILED else found:
            yield ob
            if hasattr(type(aq_base(ob)), 'objectValues'):
                pending.append(ob)


def naming(ob):
    """Return the :class:`Naming` of an object, None if it names no manager.

    Only Page Cache Managers count.  A name of a missing manager counts only
    if the database holds it.
    """
    if not getattr(type(aq_base(ob)), '_isCacheable', False):
        return None
    name = ob.ZCacheable_getManagerId()
    if not name:
        return None
    found = Naming(ob, name, ob.ZCacheable_getManager())
    if IPageCacheManager.providedBy(found.manager) or (
            found.manager is None and not found.file):
        return found
    return None


def names_of(manager):
    """Yield a result for each object in the manager's folder and below.

    It is the :class:`Naming` if the object names the manager, else None.
    """
    for ob in below(aq_parent(aq_inner(manager))):
        found = naming(ob)
        is_it = found is not None and (
            aq_base(found.manager) is aq_base(manager))
        yield found if is_it else None


def count(manager):
    """Return the number of objects in the database that name a manager.

    None if the count would take too long.
    """
    number = 0
    for seen, found in enumerate(names_of(manager)):
        if seen >= MOST_COUNTED:
            return None
        number += found is not None and not found.file
    return number


def templates_of(manager, limit):
    """Return up to `limit` templates that name a manager.

    A screen waits for the result, so the search stops at `MOST_COUNTED`
    objects.
    """
    found = (one for one in islice(names_of(manager), MOST_COUNTED) if (
        one is not None and hasattr(aq_base(one.ob), 'pt_render')))
    return [one.ob for one in islice(found, limit)]


def is_template(ob):
    """Return whether an object is a page template that can name a manager."""
    return hasattr(aq_base(ob), 'pt_render') and getattr(
        type(aq_base(ob)), '_isCacheable', False)


def finds(ob, manager):
    """Return whether an object finds a manager under the manager's id.

    Another manager with the same id can be nearer.
    """
    found = aq_acquire(
        ob, manager.getId(), containment=1, filter=filterCacheManagers,
        extra=None, default=None)
    return aq_base(found) is aq_base(manager)


def free_templates(manager):
    """Return templates in the database that name no cache manager.

    A screen waits for the result, so the search stops at `MOST_COUNTED`
    objects.
    """
    return [
        ob for ob in islice(below(aq_parent(aq_inner(manager))), MOST_COUNTED)
        if is_template(ob) and not guard.file_of(ob)
        and not ob.ZCacheable_getManagerId()]


def take_away(found):
    """Remove an association from the database; return whether it was there.
    """
    if found.file:
        return False
    found.ob.ZCacheable_setManagerId(None)
    return True


def take_all_away(manager, may_change=lambda ob: True):
    """Remove the associations with a manager; return the remaining ones.

    `may_change` returns whether an object may be changed.
    """
    return [
        found for found in list(names_of(manager)) if found is not None
        and not (may_change(found.ob) and take_away(found))]
