"""A plain folder of Zope with templates, scripts and files, and its changes.

The policy manager is its only part of CMF.  The one policy gives the user and
the hour.
"""
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.users import system
from OFS.Folder import Folder
from persistent.mapping import PersistentMapping
from Products.CMFCore.CachingPolicyManager import (
    manage_addCachingPolicyManager,
)
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
from Products.PythonScripts.PythonScript import PythonScript

from Products.PageCacheManager.cmf import presets
from Products.PageCacheManager.PageCacheManager import PageCacheManager


PLACES = ('', '/one', '/one/inner', '/two')
USERS = (None, 'carol')

FRAME = '''<html metal:define-macro="frame"><title tal:content="here/title">x
</title><h1 tal:content="user/getUserName">x</h1>
<div metal:define-slot="body">x</div></html>'''

_FRAMED = '<html metal:use-macro="here/frame/macros/frame">%s</html>'

TEMPLATES = {
    # the objects in a folder, and their properties
    'listing': _FRAMED % '''<ul metal:fill-slot="body">
<li tal:repeat="ob python: here.objectValues('Folder')"><b
tal:content="ob/title">x</b> <i tal:content="ob/color | nothing">x</i></li>
</ul>''',
    # a script's sum of `counts`, which is only an attribute
    'numbers': _FRAMED % '''<p metal:fill-slot="body"
tal:content="here/total">x</p>''',
    # rights of the visitor
    'rights': _FRAMED % '''<p metal:fill-slot="body" tal:content="python:
[user.has_permission(name, here) and 1 or 0
 for name in ('View', 'Change permissions', 'Delete objects')]">x</p>''',
    # a method that is acquired from above
    'greeting': _FRAMED % '''<p metal:fill-slot="body"
tal:content="structure here/hello">x</p>''',
}


class Counts(PersistentMapping):
    """Attribute of a folder, but not an object in it; scripts may read it."""

    __roles__ = None
    __allow_access_to_unprotected_subobjects__ = True

    def total(self):
        return sum(self.values())


def build(app):
    """Add the folder, and return the pages: path and user."""
    app._setObject('plain', Folder('plain'))
    plain = app.plain
    for path in PLACES[1:]:
        where, _, name = path.rpartition('/')
        place = plain.unrestrictedTraverse(where[1:]) if where else plain
        place._setObject(name, Folder(name))
    for number, path in enumerate(PLACES):
        place = plain.unrestrictedTraverse(path[1:]) if path else plain
        place.title = f'Place {number}'
        place.manage_addProperty('color', f'color {number}', 'string')
        place.counts = Counts(a=number)
    for name, text in (('frame', FRAME), *TEMPLATES.items()):
        plain._setObject(name, ZopePageTemplate(name, text))
    script = PythonScript('total')
    plain._setObject('total', script)
    plain.total.write('return sum(container.values_of(context))')
    values = PythonScript('values_of')
    plain._setObject('values_of', values)
    plain.values_of.ZPythonScript_edit(
        'place', 'return [place.counts.total()]')
    plain.manage_addDTMLMethod('hello', '', 'Hello, <dtml-var title>')
    plain.manage_addUserFolder()
    plain.acl_users.userFolderAddUser('carol', 'carol', ['Editor'], [])
    plain.manage_permission('Delete objects', ['Manager', 'Editor'], 1)
    plain._setObject('page_cache', PageCacheManager('page_cache'))
    for name in TEMPLATES:
        plain[name].ZCacheable_setManagerId('page_cache')
    manage_addCachingPolicyManager(plain)
    presets.add(plain.caching_policy_manager, 'page_cache_pages')
    return [
        (f'/plain{place}/{name}', user)
        for place in PLACES for name in TEMPLATES for user in USERS]


def changes():
    """Yield names of changes and functions that make them."""
    def at(path, act):
        def change(site):
            newSecurityManager(None, system)
            act(site.app.plain.unrestrictedTraverse(path))
        return change

    def write(text):
        return lambda template: template.write(text)

    def rename(old, new):
        return lambda place: place.manage_renameObject(old, new)

    yield 'title of a folder', at('one', lambda ob: setattr(
        ob, 'title', 'Another title'))
    yield 'property of a folder', at(
        'one', lambda ob: ob.manage_changeProperties(color='red'))
    yield 'property of a folder within', at(
        'one/inner', lambda ob: ob.manage_changeProperties(color='blue'))
    yield 'property taken away', at(
        'two', lambda ob: ob.manage_delProperties(['color']))
    yield 'title of the whole', at('', lambda ob: setattr(
        ob, 'title', 'All'))
    yield 'attribute changed in place', at(
        'one', lambda ob: ob.counts.update(b=7))
    yield 'folder added', at('one', lambda ob: ob.manage_addFolder(
        'more', 'More'))
    yield 'folder renamed', at('one', rename('more', 'much'))
    yield 'folder moved', at('one', lambda ob: ob.aq_parent.two.
                             manage_pasteObjects(ob.manage_cutObjects('much')))
    yield 'folder copied', at('two', lambda ob: ob.manage_pasteObjects(
        ob.manage_copyObjects('much')))
    yield 'folder deleted', at('two', lambda ob: ob.manage_delObjects(
        ['much']))
    yield 'object added that nobody lists', at(
        'one/inner', lambda ob: ob.manage_addDTMLMethod('aside', '', 'x'))
    yield 'template edited', at(
        'listing', write(TEMPLATES['listing'].replace('<b', '<em')
                         .replace('</b>', '</em>')))
    yield 'frame edited', at('frame', write(FRAME.replace('h1', 'h2')))
    yield 'frame put before that of above', at(
        'one', lambda ob: ob._setObject('frame', ZopePageTemplate(
            'frame', FRAME.replace('<h1', '<h3').replace('</h1', '</h3'))))
    yield 'frame taken away again', at(
        'one', lambda ob: ob.manage_delObjects(['frame']))
    yield 'script edited', at(
        'total', write('return 100 + sum(container.values_of(context))'))
    yield 'script that a script calls', at(
        'values_of', lambda ob: ob.ZPythonScript_edit(
            'place', 'return [2 * place.counts.total()]'))
    yield 'DTML edited', at('hello', lambda ob: ob.munge('Good day'))
    yield 'DTML put before that of above', at(
        'one/inner', lambda ob: ob.manage_addDTMLMethod('hello', '', 'Hi'))
    yield 'permission', at('one', lambda ob: ob.manage_permission(
        'Change permissions', ['Manager', 'Editor'], 0))
    yield 'right to view taken away', at(
        'two', lambda ob: ob.manage_permission('View', ['Manager'], 0))
    yield 'right to view given back', at(
        'two', lambda ob: ob.manage_permission('View', [], 1))
    yield 'local role', at('two', lambda ob: ob.manage_setLocalRoles(
        'carol', ['Manager']))
    yield 'local role taken away', at(
        'two', lambda ob: ob.manage_delLocalRoles(['carol']))
    yield 'roles of a user', at(
        'acl_users', lambda ob: ob.userFolderEditUser(
            'carol', None, ['Editor', 'Manager'], []))
    yield 'roles of a user, back', at(
        'acl_users', lambda ob: ob.userFolderEditUser(
            'carol', None, ['Editor'], []))
    yield 'user added', at('acl_users', lambda ob: ob.userFolderAddUser(
        'dave', 'dave', ['Editor'], []))
    yield 'policy more', at(
        'caching_policy_manager', lambda ob: presets.add(
            ob, 'page_cache_minutes'))
    yield 'proxy role of a template', at(
        'rights', lambda ob: ob.manage_proxy(['Manager']) if hasattr(
            ob, 'manage_proxy') else setattr(ob, '_proxy_roles', ('Manager',)))
    yield 'something outside of it', lambda site: setattr(
        site.app, 'title', 'one more')
