"""The sources of a stored page, with readable names."""
from collections import Counter
from functools import partial

from Acquisition import aq_base
from ZODB.POSException import POSError

from ...core.attempt import FAILED
from ...core.attempt import attempt
from ...core.reads.made_from import MadeFrom
from ...core.reads.made_from import UntilCommit
from ...core.report.statistics import number_text
from ...key.versions import identity_of
from ...key.versions import path_of
from ...reads import freshness


#: The maximum number of shown objects with a path, and of shown questions.
MAX_SHOWN = 100

#: The maximum number of objects of the page that are loaded.
MAX_LOADED = 1000

#: The maximum number of tries in the search for paths of objects.
MAX_TRIES = 20_000


def rows(page, connection):
    """Yield the sources of a page.

    First templates, then other objects sorted by path, then the number of
    objects that are not shown, then questions.
    """
    made = page.made_from
    if not isinstance(made, MadeFrom):
        yield 'Objects', 'not known in this process'
        return
    if isinstance(made.objects, UntilCommit):
        yield 'Objects', (
            f'not known: {made.objects.why} The page is good until the next '
            'commit.')
    else:
        yield from _objects(made, connection)
    for asked in made.asked[:MAX_SHOWN]:
        yield 'Question', asked.question.label
    if len(made.asked) > MAX_SHOWN:
        yield 'Other questions', number_text(len(made.asked) - MAX_SHOWN)


def _objects(made, connection):
    keys = freshness.objects_of(made, MAX_LOADED)
    loaded = [
        ob for ob in (_loaded(connection, *key) for key in keys)
        if ob is not None]
    found = sorted(
        _with_paths(connection, loaded),
        key=lambda ob: (not _is_template(ob), path_of(ob)))
    for ob in found[:MAX_SHOWN]:
        yield ('Template' if _is_template(ob) else 'Object'), (
            f'{path_of(ob)} ({type(aq_base(ob)).__name__})')
    shown = {identity_of(ob) for ob in found[:MAX_SHOWN]}
    kinds = Counter(
        type(ob).__name__ for ob in loaded if identity_of(ob) not in shown)
    number = made.objects.object_count - len(shown)
    if number:
        names = ', '.join(
            f'{count} {kind}' for kind, count in kinds.most_common(5))
        yield 'Other objects', (
            f'{number_text(number)}, such as {names}' if names
            else number_text(number))


def _loaded(connection, database, oid):
    """Return an object, None if it does not exist any more."""
    one = connection.connections.get(database)
    try:
        return None if one is None else one.get(oid)
    except POSError:
        return None


def _is_template(ob):
    return hasattr(aq_base(ob), 'pt_render')


def _with_paths(connection, objects):
    """Return the objects that a walk through folders in `objects` finds.

    They are found in the context of their folders, so they have paths.  A page
    that shows an object usually read the folders above it.
    """
    root = connection.root()['Application']
    missing = {identity_of(ob): ob for ob in objects if _id_of(ob)}
    missing.pop(identity_of(root), None)
    found, folders, tries = [], [root], 0
    while folders and missing:
        folder = folders.pop()
        for identity, ob in list(missing.items()):
            tries += 1
            if tries > MAX_TRIES:
                return found
            child = attempt(None, 'explain', partial(folder.get, _id_of(ob)))
            if child is FAILED or child is None or (
                    identity_of(child) != identity):
                continue
            del missing[identity]
            found.append(child)
            if hasattr(aq_base(child), 'objectIds') and hasattr(
                    aq_base(child), 'get'):
                folders.append(child)
    return found


def _id_of(ob):
    """Return the id of an object that can have a path, '' for others."""
    if not hasattr(ob, 'getPhysicalPath'):
        return ''
    found = getattr(ob, 'id', '')
    return found if isinstance(found, str) else ''
