"""No visitor sees more than Zope's own access check allows.

Every answer of a cached site is compared with that of a twin.  The twin was
built alike, got the same changes, and has no cache manager.
"""
import base64
import sys
import time
from typing import NamedTuple

import pytest
import transaction
from AccessControl.PermissionRole import PermissionRole
from AccessControl.SecurityManagement import noSecurityManager
from AccessControl.userfolder import BasicUserFolder
from AccessControl.users import SpecialUser
from AccessControl.users import UnrestrictedUser
from Acquisition import aq_inner
from Acquisition import aq_parent
from DateTime import DateTime
from OFS.Folder import manage_addFolder
from OFS.userfolder import UserFolder
from OFS.userfolder import manage_addUserFolder
from Products.CMFCore.CookieCrumbler import CookieCrumbler
from Products.CMFCore.DirectoryView import _dirreg
from Products.CMFCore.DirectoryView import createDirectoryView
from Products.CMFCore.TypesTool import FactoryTypeInformation
from zExceptions import NotFound
from zExceptions import Unauthorized
from zope.component import getGlobalSiteManager
from ZPublisher.pubevents import PubAfterTraversal

from ...core.http.conditional import format_date
from ..client import Client
from ..request.test_whole import add_script
from ..site import Item
from ..site import add_site
from ..site import add_template
from ..site import set_policy


TEMPLATE = '''<div><p tal:content="context/read_text">text</p>
<b tal:condition="python: user.has_role('Reviewer', context)">reviewer</b>
<b tal:condition="python: user.has_role('Owner', context)">owner</b>
<b tal:condition="python: user.has_role('Manager')">manager</b>
<b tal:condition="python: user.has_role('Authenticated')">logged in</b>
<i tal:condition="context/shows_names"
   tal:content="context/who">user</i></div>'''

NAMES = 'zpage', 'fpage', 'zopen', 'fopen'

#: A template, and how it becomes the page of the request.  Anybody may request
#: the open templates: their render decides which text is shown.
FEW = [
    ('zpage', 'direct'), ('fpage', 'default'), ('zpage', 'script'),
    ('zopen', 'direct'), ('fopen', 'proxied')]
ALL = [
    *FEW, ('fpage', 'direct'), ('zpage', 'default'), ('zpage', 'proxied'),
    ('fpage', 'wrapped'), ('fopen', 'default'), ('zopen', 'proxied')]

OPEN = 'Anonymous', 'Authenticated', 'Manager'

#: The setting, the way visitors log in, the policy's date, and the pages to
#: compare.  The date is a second guard if it needs a right to the content.
RUNS = {
    'user': ('user', 'basic', 'nothing', ALL),
    'user-cookie': ('user', 'cookie', 'object/modified', FEW),
    'roles': ('roles', 'basic', 'nothing', FEW),
    'etag-cookie': ('etag', 'cookie', 'nothing', FEW)}


# visitors

class Visitor(NamedTuple):
    """A visitor; without a name an anonymous one."""

    name: str = ''
    password: str = ''

    def headers(self, login):
        if not self.name:
            return {}
        credentials = base64.b64encode(
            f'{self.name}:{self.password}'.encode()).decode()
        if login == 'cookie':
            return {'Cookie': f'__ac="{credentials}"'}
        return {'Authorization': f'Basic {credentials}'}


ANONYMOUS = Visitor()
ALICE, BOB, NEMO, ROOT, EMERGENCY = (
    Visitor(name, name) for name in (
        'alice', 'bob', 'nemo', 'root', 'emergency'))
#: The user folder of /section has another alice, and a Manager.
INNER_ALICE = Visitor('alice', 'inner')
INNER_ROOT = Visitor('carol', 'carol')


# the two sites

class Answer(NamedTuple):
    """The compared parts of a response, or of the exception in its place."""

    status: object
    body: bytes = b''
    tag: str = ''
    outcome: str = ''

    @property
    def shown(self):
        return self.status, self.body


class Sites:
    """The cached site and its twin."""

    def __init__(self, app, client):
        self.app = app
        self.both = app.site, app.twin
        self.login = 'basic'
        self._client = client

    def change(self, action, *arguments):
        """Do the same to both sites."""
        for site in self.both:
            action(site, *arguments)
        transaction.commit()

    def ask(self, path, visitor=ANONYMOUS, method='GET', site='site',
            **headers):
        headers.update(visitor.headers(self.login))
        try:
            answer = self._client.request(
                method, f'/{site}/{path}', **headers)
        except NotFound:
            return Answer('NotFound')
        if answer.status == 401:
            assert answer.all('ETag') == answer.all('Last-Modified') == []
        body = answer.body.replace(b'/twin', b'/site')
        return Answer(
            answer.status, body, answer.get('ETag', ''),
            answer.get('X-PageCache', ''))

    def expected(self, path, visitor=ANONYMOUS, method='GET', **headers):
        """Return the answer without a cache."""
        answer = self.ask(path, visitor, method, 'twin', **headers)
        assert answer.outcome == ''
        return answer

    def same(self, path, visitor=ANONYMOUS, method='GET', **headers):
        """Return the answer; assert that it is the one without a cache."""
        answer = self.ask(path, visitor, method, **headers)
        expected = self.expected(path, visitor, method, **headers)
        assert answer.shown == expected.shown, (path, visitor, answer)
        return answer


def make(site, is_cached):
    """Add users, content, templates, and scripts that pass templates on."""
    custom = site.portal_skins.custom
    manage_addFolder(site, 'section')
    site.section._setObject('inner', Item('inner', 'first text'))
    site.portal_skins._delObject('fs')
    createDirectoryView(site.portal_skins, 'access-tests', 'access')
    site.portal_skins.addSkinSelection(
        'Basic', 'custom, access', make_default=True)
    add_template(custom, 'zpage', TEMPLATE, is_cached)
    add_template(custom, 'zopen', TEMPLATE, is_cached)
    custom.zopen.manage_permission('View', OPEN)
    for name in NAMES:
        add_script(custom, f'{name}_script', f'return context.{name}()')
        for where, prefix in (('doc', 'doc'), ('section/inner', 'inner')):
            proxied = f'{prefix}_{name}_proxied'
            add_script(site, proxied, f'''
return container.restrictedTraverse('{where}/{name}')()''')
            site[proxied]._proxy_roles = ('Manager',)
        add_template(
            custom, f'{name}_wrapped',
            f'<tal:x replace="structure context/{name}" />', False)
        kind = f'Kind {name}'
        site.portal_types._setObject(kind, FactoryTypeInformation(
            kind, title='', factory='', actions=(),
            aliases={'(Default)': name}))
        for folder, prefix in ((site, 'doc'), (site.section, 'inner')):
            folder._setObject(f'{prefix}_{name}', Item(
                f'{prefix}_{name}', 'first text'))
            folder[f'{prefix}_{name}'].portal_type = kind
    site.acl_users.userFolderAddUser('nemo', 'nemo', [], [])
    manage_addUserFolder(site.section)
    add = site.section.acl_users.userFolderAddUser
    add('alice', 'inner', ['Member'], [])
    add('carol', 'carol', ['Manager'], [])
    crumbler = CookieCrumbler()
    site._setObject(crumbler.getId(), crumbler)
    if not is_cached:
        site._delObject('page_cache')


def items(site):
    """Return the content of the site."""
    found = [*site.objectValues(), *site.section.objectValues()]
    return [ob for ob in found if isinstance(ob, Item)]


def path_of(where, name, way):
    if way == 'direct':
        return f'{where}/{name}'
    if way == 'proxied':
        return f'{where.rpartition("/")[2]}_{name}_proxied'
    return f'{where}_{name}' if way == 'default' else f'{where}/{name}_{way}'


@pytest.fixture(scope='module')
def skins(tmp_path_factory):
    """A directory of filesystem templates."""
    directory = tmp_path_factory.mktemp('access')
    for name in ('fpage', 'fopen'):
        (directory / f'{name}.pt').write_text(TEMPLATE)
        (directory / f'{name}.pt.metadata').write_text(
            '[default]\ncache = page_cache\n')
    with (directory / 'fopen.pt.metadata').open('a') as metadata:
        metadata.write(f'[security]\nView = 0:{",".join(OPEN)}\n')
    _dirreg.registerDirectoryByKey(str(directory), 'access-tests')
    yield directory
    del _dirreg._directories['access-tests']


@pytest.fixture
def sites(app, client, skins, monkeypatch):
    _dirreg.reloadDirectory('access-tests')
    for name, value in (
            ('shows_names', True), ('who', who),
            ('who_in_roles', who_in_roles), ('read_text', read_text),
            ('read_text__roles__', PermissionRole('View'))):
        monkeypatch.setattr(Item, name, value, raising=False)
    monkeypatch.setattr(
        BasicUserFolder, '_emergency_user', UnrestrictedUser(
            'emergency', 'emergency', ('manage',), ()))
    noSecurityManager()  # the user that runs the test owns nothing
    add_site(app, 'twin')
    make(app.site, is_cached=True)
    make(app.twin, is_cached=False)
    sites = Sites(app, client)
    sites.change(policy)
    return sites


def read_text(self):
    return self.text


def who(self):
    """Return the name of the user, and the path of the user folder."""
    user = self.REQUEST['AUTHENTICATED_USER']
    folder = aq_parent(aq_inner(user))
    path = folder.absolute_url(1) if folder is not None else ''
    return f'{user.getUserName()} of {path}'.replace('twin', 'site')


def who_in_roles(self):
    """Return a text that differs for visitors who must not share pages."""
    user = self.REQUEST['AUTHENTICATED_USER']
    return f'{self.who()} {sorted(user.getRolesInContext(self))}'


def policy(site, etag='string:same', modified='nothing', **options):
    """Set a policy that needs no right to the content, if not told so."""
    set_policy(site, etag, mtime_func=modified, **options)


def partition(sites, name, monkeypatch, modified='nothing'):
    """Share pages by the setting `name`; adapt the ETag or the page to it."""
    sites.app.site.page_cache.manage_editProps('', {'partition': name})
    etag = 'object/who_in_roles' if name == 'etag' else 'string:same'
    sites.change(policy, etag, modified)
    monkeypatch.setattr(Item, 'shows_names', name != 'roles')


# changes between two visits

class Scenario(NamedTuple):
    """A change between two visits, and the visitors."""

    visitors: tuple
    change: object
    before: object = lambda site: None
    where: str = 'doc'


def set_view(site, roles, acquire=False):
    for item in items(site):
        item.manage_permission('View', roles, acquire)


def set_roles(site, name, roles):
    site.acl_users.userFolderEditUser(name, None, roles, [])


def set_local_roles(site, name, roles):
    for item in items(site):
        if roles:
            item.manage_setLocalRoles(name, roles)
        else:
            item.manage_delLocalRoles([name])


def delete(site, name):
    site.acl_users.userFolderDelUsers([name])


def set_templates_view(site, roles):
    for name, folder in (('zpage', 'custom'), ('fpage', 'access')):
        site.portal_skins[folder][name].manage_permission('View', roles)


def retract(site):
    """Change the permissions as a workflow does when content is retracted."""
    for item in items(site):
        for permission in (
                'View', 'Access contents information',
                'Modify portal content'):
            item.manage_permission(permission, ['Owner', 'Manager'])
        item.review_state = 'private'


def move_ownership(site):
    set_local_roles(site, 'alice', [])
    set_local_roles(site, 'bob', ['Owner'])


def rename(site):
    """Zope has no other way to rename a user."""
    delete(site, 'alice')
    site.acl_users.userFolderAddUser('bob2', 'alice', ['Member'], [])
    set_local_roles(site, 'alice', [])
    set_local_roles(site, 'bob2', ['Reviewer'])


def recreate(site):
    delete(site, 'alice')
    site.acl_users.userFolderAddUser('alice', 'alice', [], [])


class Group:
    """Local roles that are computed from the members of a group."""

    def __init__(self, *members):
        self.members = members

    def __call__(self):
        return {name: ['Reviewer'] for name in self.members}


def set_group(site, *members):
    for item in items(site):
        item.__ac_local_roles__ = Group(*members)


def own_templates(site):
    """Make alice, a Manager, the owner of the templates of private content."""
    set_roles(site, 'alice', ['Manager'])
    set_view(site, ['Manager'])
    owner = site.acl_users.getUser('alice').__of__(site.acl_users)
    for name in ('zpage', 'zopen'):
        site.portal_skins.custom[name].changeOwnership(owner)


def set_proxy_roles(site, *roles):
    for name in ('zpage', 'zopen'):
        site.portal_skins.custom[name]._proxy_roles = roles


def members_only(site):
    set_view(site, ['Member', 'Manager'])


SCENARIOS = {
    'nothing': Scenario(
        (ROOT, ANONYMOUS, ALICE, BOB, NEMO, EMERGENCY, INNER_ROOT),
        lambda site: None),
    'nothing happens in a folder with users of its own': Scenario(
        (ROOT, INNER_ROOT, ALICE, INNER_ALICE, ANONYMOUS),
        lambda site: None, where='section/inner'),
    'a local role is taken away': Scenario(
        (ALICE, BOB), lambda site: set_local_roles(site, 'alice', []),
        lambda site: set_local_roles(site, 'alice', ['Reviewer'])),
    'a global role is taken away': Scenario(
        (ALICE, BOB), lambda site: set_roles(site, 'alice', ['Member']),
        lambda site: set_roles(site, 'alice', ['Member', 'Manager'])),
    'a role of the folder is taken away': Scenario(
        (ALICE, BOB), lambda site: site.manage_delLocalRoles(['alice']),
        lambda site: site.manage_setLocalRoles('alice', ['Reviewer'])),
    'another is the owner': Scenario(
        (ALICE, BOB), move_ownership,
        lambda site: set_local_roles(site, 'alice', ['Owner'])),
    'a group is left': Scenario(
        (ALICE, BOB), lambda site: set_group(site, 'bob'),
        lambda site: set_group(site, 'alice')),
    'the owner of the templates is no Manager now': Scenario(
        (ROOT, ALICE), lambda site: set_roles(site, 'alice', ['Member']),
        own_templates),
    'the owner of the templates is deleted': Scenario(
        (ROOT, ANONYMOUS), lambda site: delete(site, 'alice'),
        own_templates),
    'templates get proxy roles': Scenario(
        (ROOT, ANONYMOUS), lambda site: set_proxy_roles(site, 'Manager'),
        lambda site: set_view(site, ['Manager'])),
    'templates lose proxy roles': Scenario(
        (ROOT, ANONYMOUS), set_proxy_roles,
        lambda site: (
            set_view(site, ['Manager']),
            set_proxy_roles(site, 'Manager'))),
    'content is private': Scenario(
        (ROOT, ANONYMOUS, ALICE, NEMO, EMERGENCY),
        lambda site: set_view(site, ['Manager'])),
    'content is public': Scenario(
        (ROOT, ANONYMOUS, ALICE), lambda site: set_view(site, [], True),
        lambda site: set_view(site, ['Manager'])),
    'a workflow retracts content': Scenario(
        (ROOT, ANONYMOUS, ALICE, BOB), retract,
        lambda site: set_local_roles(site, 'alice', ['Owner'])),
    'templates are private': Scenario(
        (ROOT, ANONYMOUS, ALICE),
        lambda site: set_templates_view(site, ['Manager']),
        lambda site: set_templates_view(site, OPEN)),
    'a folder above is private': Scenario(
        (ROOT, ANONYMOUS, INNER_ALICE, INNER_ROOT),
        lambda site: site.section.manage_permission('View', ['Manager']),
        where='section/inner'),
    'an acquired permission is changed': Scenario(
        (ROOT, ANONYMOUS, ALICE, NEMO),
        lambda site: site.manage_permission('View', ['Member', 'Manager'])),
    'a role is no longer one of those who may view': Scenario(
        (ALICE, BOB), lambda site: set_view(site, ['Owner', 'Manager']),
        lambda site: (
            members_only(site),
            set_local_roles(site, 'alice', ['Owner']))),
    'the password is changed': Scenario(
        (ALICE, Visitor('alice', 'new'), ANONYMOUS),
        lambda site: site.acl_users.userFolderEditUser(
            'alice', 'new', ['Member'], []), members_only),
    'the user may come from elsewhere only': Scenario(
        (ALICE, BOB), lambda site: site.acl_users.userFolderEditUser(
            'alice', None, ['Member'], ['192.0.2.1']), members_only),
    'the user is deleted': Scenario(
        (ALICE, BOB), lambda site: delete(site, 'alice'), members_only),
    'the user is another of the same id': Scenario(
        (ALICE, BOB), recreate, members_only),
    'the user is renamed': Scenario(
        (ALICE, Visitor('bob2', 'alice')), rename,
        lambda site: set_local_roles(site, 'alice', ['Reviewer'])),
    'logged out': Scenario(
        (ALICE, ANONYMOUS), lambda site: None, members_only),
}


def later():
    return format_date(time.time() + 60)


def fill(sites, path, visitors):
    """Let all visitors see a page; return the page of each tag."""
    held = {}
    for visitor in visitors:
        page = sites.same(path, visitor)
        if page.status == 200:
            assert page.tag and page.outcome in ('MISS', 'HIT')
            held[page.tag] = page.body
    return held


def check(sites, path, visitor, held, is_template):
    """Compare all requests that the visitor may send with the twin's answers.

    `held` maps the tags that visitors hold to their pages.
    """
    page = sites.same(path, visitor)
    posted = sites.ask(path, visitor, 'POST', If_None_Match='*')
    assert posted.shown == sites.expected(path, visitor, 'POST').shown
    own = ', '.join(tag for tag in held if held[tag] == page.body)
    others = ', '.join(tag for tag in held if held[tag] != page.body) or '"x"'
    for headers in (
            {'If_None_Match': '*'}, {'If_None_Match': own},
            {'If_Modified_Since': later()}):
        answer = sites.ask(path, visitor, **headers)
        if answer.status == 304:
            assert (page.status, answer.body) == (200, b'')
            assert answer.tag in ('', page.tag, *held)
        else:
            assert answer.shown == page.shown
        if 'If_Modified_Since' in headers and 'logged in' in str(page.body):
            assert answer.status != 304
    answer = sites.ask(path, visitor, If_None_Match=others)
    assert answer.shown == page.shown
    if is_template:
        answer = sites.ask(path, visitor, 'HEAD', If_None_Match=others)
        if answer.status != page.status:
            # Zope itself asks for the right to view the content first
            assert answer.shown == sites.expected(path, visitor, 'HEAD').shown
            assert answer.status == 401
        assert answer.body == b''


@pytest.mark.parametrize('run', RUNS)
@pytest.mark.parametrize('happens', SCENARIOS)
def test_answers_are_those_without_a_cache_when(
        sites, monkeypatch, happens, run):
    scenario = SCENARIOS[happens]
    setting, sites.login, modified, pages = RUNS[run]
    partition(sites, setting, monkeypatch, modified)
    sites.change(scenario.before)
    paths = {
        path_of(scenario.where, name, way): way in ('direct', 'default')
        for name, way in pages}
    held = {path: fill(sites, path, scenario.visitors) for path in paths}
    sites.change(scenario.change)
    for path, is_template in paths.items():
        for visitor in scenario.visitors:
            check(sites, path, visitor, held[path], is_template)


@pytest.mark.parametrize('run', RUNS)
def test_pages_are_cached_where_nothing_happens(sites, monkeypatch, run):
    setting, sites.login, modified, pages = RUNS[run]
    partition(sites, setting, monkeypatch, modified)
    for name, way in pages:
        path = path_of('doc', name, way)
        for visitor in (ANONYMOUS, ALICE, ROOT):
            sites.same(path, visitor)
            assert sites.same(path, visitor).outcome == 'HIT'


# demands on the key apart from the publisher's checks

def listing(site, is_cached):
    add_template(
        site.portal_skins.custom, 'listing',
        '<p tal:content="python: context.objectIds()">ids</p>', is_cached)


@pytest.fixture
def listings(sites):
    for site, is_cached in zip(sites.both, (True, False), strict=True):
        listing(site, is_cached)
    sites.change(policy)
    assert sites.same('section/listing').status == 200
    sites.change(lambda site: site.section.manage_permission(
        'Access contents information', ['Manager']))
    return sites


def test_access_contents_information_counts(listings):
    answer = listings.same('section/listing')
    assert answer.status == 401
    assert listings.same('section/listing', ROOT).status == 200


def test_access_contents_information_counts_for_conditions(listings):
    path = 'section/listing'
    tag = listings.same(path, ROOT).tag
    for headers in (
            {'If_None_Match': '*'}, {'If_None_Match': tag},
            {'If_Modified_Since': later()}):
        assert listings.ask(path, **headers).status == 401
        assert listings.ask(path, ROOT, **headers).status != 401


def test_equal_roles_of_two_user_folders_are_not_equal(
        sites, monkeypatch):
    partition(sites, 'roles', monkeypatch)
    for site, is_cached in zip(sites.both, (True, False), strict=True):
        add_template(
            site.portal_skins.custom, 'above',
            '<p tal:content="context/doc/read_text">x</p>', is_cached)
    sites.change(lambda site: site.doc.manage_permission(
        'View', ['Manager']))
    path = 'section/inner/above'
    assert sites.same(path, ROOT).status == 200
    # a Manager of the section has no power above it
    assert sites.same(path, INNER_ROOT).status == 401
    assert sites.same(path, ROOT).status == 200


class Gate(UserFolder):
    """Checks a header of the request before it checks the user."""

    def validate(self, request, auth='', roles=()):
        gate = request.get_header('X-Gate')
        if gate == 'closed':
            raise Unauthorized('closed')
        if gate != 'staff':
            return super().validate(request, auth, roles)
        return SpecialUser(
            'Anonymous User', '', ('Anonymous', 'Reviewer'), ()).__of__(self)


def set_gate(site):
    site.section._delObject('acl_users')
    site.section._setObject('acl_users', Gate())


def test_roles_of_anonymous_visitors_count(sites):
    sites.change(set_gate)
    path = 'section/inner/zpage'
    inside = sites.same(path, X_Gate='staff')
    assert b'reviewer' in inside.body
    outside = sites.same(path)
    assert b'reviewer' not in outside.body
    answer = sites.ask(path, If_None_Match=inside.tag)
    assert answer.shown == outside.shown


@pytest.mark.parametrize('login', ['basic', 'cookie'])
def test_pages_are_shared_only_where_the_policy_lets_them(
        sites, monkeypatch, login):
    partition(sites, 'roles', monkeypatch)
    sites.login = login
    for shared in (0, 1):
        sites.change(
            lambda site, s: policy(site, must_revalidate=s), shared)
        sites.same('doc/zpage', ALICE)
        answer = sites.same('doc/zpage', BOB)
        assert answer.outcome == ('HIT' if shared else 'MISS')


def test_a_part_by_permission_counts_where_the_etag_names_it(sites):
    for site, is_cached in zip(sites.both, (True, False), strict=True):
        add_template(site.portal_skins.custom, 'parts', '''<p>all</p><p
            tal:condition="python: user.has_permission(
                'Modify portal content', context)">editors</p>''', is_cached)

    def let(site, roles):
        site.doc.manage_permission('Modify portal content', roles)
    sites.change(
        policy, "python: 'x%s' % request['AUTHENTICATED_USER']"
        ".has_permission('Modify portal content', object)")
    sites.change(let, ['Member'])
    assert b'editors' in sites.same('doc/parts', ALICE).body
    tag = sites.same('doc/parts', ALICE).tag
    sites.change(let, ['Manager'])
    page = sites.same('doc/parts', ALICE)
    assert b'editors' not in page.body
    assert sites.ask(
        'doc/parts', ALICE, If_None_Match=tag).shown == page.shown


@pytest.fixture
def clock(monkeypatch):
    """Set the time for CMF, Zope and the cache."""
    class Clock:
        now = time.time()
    monkeypatch.setattr(
        sys.modules['DateTime.DateTime'], '_system_time', lambda: Clock.now)
    monkeypatch.setattr(time, 'time', lambda: Clock.now)
    return Clock


def test_time_counts_where_the_etag_names_it(sites, clock):
    for site, is_cached in zip(sites.both, (True, False), strict=True):
        add_template(site.portal_skins.custom, 'timed', '''<p
            tal:condition="python: context.effective.isPast()
                and context.expires.isFuture()">effective</p><p>x</p>''',
            is_cached)
        site.doc.effective = DateTime(clock.now + 100)
        site.doc.expires = DateTime(clock.now + 200)
    sites.change(
        policy, "python: '%s|%s' % (object.effective < time,"
        " object.expires < time)")
    tags = ['"x"']
    start = clock.now
    for now, is_shown in ((0, False), (150, True), (250, False)):
        clock.now = start + now
        page = sites.same('doc/timed')
        assert (b'effective' in page.body) is is_shown
        assert sites.same('doc/timed').outcome == 'HIT'
        answer = sites.ask('doc/timed', If_None_Match=', '.join(tags))
        assert answer.shown == page.shown
        tags.append(page.tag)


@pytest.fixture
def gates():
    """Refuse requests after traversal, as long as the list is not empty."""
    closed = []

    def refuse(event):
        if closed:
            raise Unauthorized('closed')
    components = getGlobalSiteManager()
    components.registerHandler(refuse, (PubAfterTraversal,))
    yield closed
    components.unregisterHandler(refuse, (PubAfterTraversal,))


def test_who_is_refused_after_traversal_gets_nothing(sites, gates):
    for path in ('doc/zpage', 'doc_fpage', 'doc/zpage_script'):
        del gates[:]
        tag = sites.same(path).tag
        gates.append(1)
        for headers in ({}, {'If_None_Match': tag}):
            for method in ('GET', 'HEAD', 'POST'):
                answer = sites.ask(path, method=method, **headers)
                assert answer.shown == (401, b''), (path, method)


def test_a_user_folder_that_refuses_is_asked_first(sites):
    sites.change(set_gate)
    for path in ('section/inner/zpage', 'section/inner_fpage'):
        tag = sites.same(path).tag
        for headers in ({}, {'If_None_Match': tag}):
            for method in ('GET', 'HEAD', 'POST'):
                answer = sites.ask(
                    path, method=method, X_Gate='closed', **headers)
                assert answer.shown == (401, b''), (path, method)


def test_a_password_that_no_longer_fits_gets_unauthorized(sites):
    sites.change(members_only)
    for sites.login in ('basic', 'cookie'):
        page = sites.same('doc/zpage', ALICE)
        assert page.status == 200
        sites.change(lambda site: site.acl_users.userFolderEditUser(
            'alice', 'new', ['Member'], []))
        for method in ('GET', 'HEAD', 'POST'):
            answer = sites.ask(
                'doc/zpage', ALICE, method, If_None_Match=page.tag)
            assert answer.shown == (401, b''), method
        new = Visitor('alice', 'new')
        assert sites.same('doc/zpage', new).status == 200
        sites.change(lambda site: site.acl_users.userFolderEditUser(
            'alice', 'alice', ['Member'], []))


def test_logging_in_and_out_with_a_page_in_one_request(sites):
    sites.login = 'cookie'
    for name, code in (
            ('leave', 'context.cookie_authentication.logout('
             'context.REQUEST.RESPONSE)'),
            ('plain', 'pass')):
        sites.change(lambda site, n, c: add_script(
            site.portal_skins.custom, n,
            f'{c}\nreturn context.zpage()'), name, code)
    form = '?__ac_name=alice&__ac_password=alice'
    for path in ('doc/zpage', 'doc/plain', f'doc/zpage{form}', 'doc/leave'):
        for visitor in (ALICE, ANONYMOUS, ALICE):
            sites.same(path, visitor)
    # pages for others contain no cookie
    client = Client()
    for path in ('doc/zpage', 'doc/plain'):
        assert client.get(f'/site/{path}').all('Set-Cookie') == []
    for path in (f'doc/zpage{form}', 'doc/leave'):
        for _ in range(2):
            answer = client.get(
                f'/site/{path}', **(ALICE.headers('cookie')
                                    if 'leave' in path else {}))
            assert answer.all('Set-Cookie'), path
    deleted = client.get('/site/doc/zpage', Cookie='__ac="deleted"')
    assert deleted.body == sites.expected('doc/zpage').body


def test_a_script_that_passes_a_page_on_is_checked_first(sites):
    path = 'doc/zpage_script'
    tag = sites.same(path).tag

    def close(site):
        site.portal_skins.custom.zpage_script.manage_permission(
            'View', ['Manager'])
    sites.change(close)
    for headers in ({}, {'If_None_Match': tag}):
        assert sites.ask(path, **headers).shown == (401, b'')
    assert sites.same(path, ROOT).status == 200
