"""The Associate screen: page templates, and the managers of their pages."""
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode

from AccessControl import getSecurityManager
from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from OFS.Cache import ChangeCacheSettingsPermission as change_cache_settings

from ..cmf import guard
from ..core.report.statistics import number_text
from ..key.versions import path_of
from ..manager import associated
from .page import NOT_THIS_FORM
from .page import cut
from .page import render
from .page import template
from .translation import _


#: Maximum number of templates on the screen.
MAX_ROWS = 200

#: Maximum length of a search text, in characters.
MAX_TEXT = 200

_page = template('associate.zpt')


@dataclass
class Typed:
    """The form as it was sent."""

    #: Paths of the marked templates.
    marked: tuple = ()
    #: The error message, '' for none.
    message: str = ''
    #: Templates to associate and to dissociate, if nothing is wrong.
    add: tuple = ()
    remove: tuple = ()


def typed_associations(manager, request):
    """Return the form in `request`, with a message if it is wrong.

    The form names the templates that were associated when it was shown.  So
    it changes only templates with a changed mark.
    """
    marked, before = (
        _paths(request.form.get(name, [])) for name in ('marked', 'before'))
    if marked is None or before is None:
        return Typed(message=NOT_THIS_FORM)
    typed = Typed(tuple(marked))
    changed = sorted(set(marked) ^ set(before))
    found = {path: _changeable(manager, path) for path in changed}
    for path, ob in found.items():
        if ob is None:
            typed.message = _(
                'Nothing was changed. ${path} is not a template that you can '
                'associate here.', mapping={'path': cut(path)})
            return typed
    typed.add = tuple(
        ob for path, ob in found.items()
        if path in marked and not _is_kept(manager, ob))
    typed.remove = tuple(
        ob for path, ob in found.items()
        if path not in marked and _is_kept(manager, ob))
    others = [
        ob for ob in typed.add if ob.ZCacheable_getManager() is not None]
    if others and not request.form.get('take_over'):
        typed.message = _(
            'Nothing was changed. Other managers keep some of the marked '
            'templates (${number}). To take these templates, mark "Take '
            'templates from other managers" and save again.', mapping={
                'number': len(others)})
    elif not (typed.add or typed.remove):
        typed.message = _(
            'Nothing was changed. Each mark is as it is stored.')
    return typed


def _paths(value):
    """Return the list of paths in a form's `value`, None if it has none."""
    is_right = isinstance(value, list) and len(value) <= MAX_ROWS and all(
        isinstance(one, str) for one in value)
    return value if is_right else None


def show_again(manager, request):
    """Redirect to the screen, with the same search."""
    search = {name: _searched(request, name) for name in ('name', 'below')}
    query = urlencode({'done': 'associated', **search}, errors='replace')
    request.response.redirect(
        f'{manager.absolute_url()}/ZCacheManager_associate?{query}')


def associate(manager, request, typed=None, done=''):
    """Return the Associate screen, with the `typed` form if it was wrong.

    `done` is the message of Zope's own method.
    """
    typed = typed or Typed()
    name, below = (_searched(request, name) for name in ('name', 'below'))
    folder = _at(manager, below)
    is_folder = bool(
        getattr(aq_base(folder), 'isPrincipiaFolderish', False))
    found, is_stopped = _templates(folder, name) if is_folder else ([], False)
    rows = [_row(manager, ob, typed) for ob in found[:MAX_ROWS]]
    count = associated.count(manager)
    return render(
        _page, manager, request, 'Associate', typed.message or done,
        'danger' if typed.message else 'success',
        id=manager.getId(), count=count, remove=_remove_text(count),
        views=len(manager.associations()),
        name=name, below=below, rows=rows,
        left_out=len(found) - len(rows),
        stopped_at=number_text(associated.MOST_COUNTED) if is_stopped else '',
        can_change=any(
            not (row['file'] or row['is_hidden']) for row in rows),
        has_others=any(row['is_others'] for row in rows),
        has_files=any(row['file'] for row in rows),
        error='' if is_folder else _(
            'There is no such folder below the folder of this manager.'))


def _remove_text(count):
    """Return the text of the button; `count` is None if it is not known."""
    return _('Remove all associations') if count is None else _(
        'Remove all associations (${number})', mapping={'number': count})


def _searched(request, name):
    text = request.form.get(name)
    return text.strip()[:MAX_TEXT] if isinstance(text, str) else ''


def _templates(folder, name):
    """Return the templates below a folder that the user may associate.

    They are sorted by path.  The second result is whether the search stopped
    early.
    """
    check = getSecurityManager().checkPermission
    most = associated.MOST_COUNTED
    found, seen = [], 0
    for seen, ob in enumerate(islice(associated.below(folder), most + 1), 1):
        if (seen <= most and associated.is_template(ob)
                and name.lower() in ob.getId().lower()
                and check(change_cache_settings, ob)):
            found.append(ob)
    return sorted(found, key=path_of), seen > most


def _row(manager, ob, typed):
    """Return a template as plain values."""
    path = path_of(ob)[len(_root(manager)) + 1:]
    keeper = ob.ZCacheable_getManager()
    is_kept = _is_kept(manager, ob)
    file = guard.file_of(ob)
    return {
        'path': path,
        'url': f'{ob.absolute_url()}/manage_main',
        'file': file,
        'is_kept': is_kept,
        'is_others': keeper is not None and not is_kept,
        'is_hidden': not associated.finds(ob, manager),
        'is_marked': path in typed.marked if typed.message else is_kept,
        'keeper': _keeper_text(ob, keeper, is_kept),
        'hint': _('Associate ${template}', mapping={'template': path})}


def _keeper_text(ob, keeper, is_kept):
    """Return the manager that stores the pages of a template, as text."""
    if is_kept:
        return _('this manager')
    if keeper is not None:
        return path_of(keeper)
    name = ob.ZCacheable_getManagerId()
    return _('nobody: there is no manager ${name}', mapping={
        'name': cut(str(name))}) if name else _('nobody')


def _is_kept(manager, ob):
    return aq_base(ob.ZCacheable_getManager()) is aq_base(manager)


def _changeable(manager, path):
    """Return the template at a path that this user may associate, or None.
    """
    ob = _at(manager, path)
    may_change = (
        ob is not None and associated.is_template(ob)
        and not guard.file_of(ob) and associated.finds(ob, manager)
        and getSecurityManager().checkPermission(change_cache_settings, ob))
    return ob if may_change else None


def _at(manager, path):
    """Return the object at a path below the manager's folder, or None.

    An acquired object does not count: its own path differs.
    """
    folder = aq_parent(aq_inner(manager))
    path = path.strip('/')
    if not path:
        return folder
    ob = folder.restrictedTraverse(path, None)
    return ob if path_of(ob) == f'{_root(manager)}/{path}' else None


def _root(manager):
    return path_of(aq_parent(aq_inner(manager)))
