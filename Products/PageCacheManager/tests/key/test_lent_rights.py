"""Pages that are made with the rights of another user than the visitor."""
from contextlib import contextmanager

import pytest
from AccessControl import getSecurityManager
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.SecurityManagement import noSecurityManager
from AccessControl.SecurityManagement import setSecurityManager
from AccessControl.users import UnrestrictedUser
from AccessControl.users import User
from AccessControl.users import nobody
from ZPublisher.interfaces import IPubAfterTraversal

from ...key.visitor import is_of_request
from ...manager import caches
from ..lane_client import LaneClient
from ..site import add_template
from ..site import set_policy
from ..test_docs import readme_etag
from ..view_cases import ACTING
from ..view_cases import associate
from ..view_cases import outcomes
from ..view_cases import reason


#: As Zope makes it from the file ``access``.
EMERGENCY = UnrestrictedUser('admin', '', ('manage',), [])

LENT = '/site/doc/lent'
PUBLISHED = '/site/doc/who'
TEXT = ('<p tal:content="user/getUserName">who</p>'
        '<b tal:content="request/AUTHENTICATED_USER">who asks</b>')


def as_root(doc):
    return doc.getPhysicalRoot().acl_users.getUser('root').__of__(
        doc.getPhysicalRoot().acl_users)


def as_unrestricted(doc):
    user = getSecurityManager().getUser()
    return UnrestrictedUser(
        user.getUserName(), '', list(user.getRoles()), '').__of__(
            doc.acl_users)


def as_bob(doc):
    return doc.acl_users.getUser('bob').__of__(
        doc.acl_users)


def as_bob_who_is_alice(doc):
    """Another user of the same folder, id and name, with another role."""
    user = User('alice', '', ['Member', 'Reviewer'], [])
    return user.__of__(doc.acl_users)


def as_nobody(doc):
    return nobody


OTHERS = [
    as_root, as_unrestricted, as_bob, as_bob_who_is_alice, as_nobody]


@contextmanager
def adopted(user):
    before = getSecurityManager()
    newSecurityManager(None, user)
    try:
        yield
    finally:
        setSecurityManager(before)


def doc_of(request):
    return request['PARENTS'][-1].site.doc


@pytest.fixture
def page(site):
    """A page that shows the user whose rights it is made with."""
    set_policy(site, etag=readme_etag())
    return add_template(site.portal_skins.custom, 'who', TEXT)


@pytest.fixture
def cache(page, site):
    return caches.cache_of(site.page_cache)


def assert_is_refused(answers, cache):
    for answer in answers:
        assert reason(answer) == 'user'
        assert answer.all('ETag') == answer.all('Last-Modified') == []
    assert cache.pages.counts().entries == 0
    assert not cache.flights._flights


# templates that other code calls

@pytest.mark.parametrize('whose', OTHERS)
def test_page_with_lent_rights_is_not_kept(client, item, cache, whose):
    def lent(self):
        """Return the page with the rights of another user."""
        with adopted(whose(self)):
            return self.who()
    item('lent', lent)
    assert_is_refused([client.get(LENT, 'alice') for _ in range(2)], cache)


def test_each_visitor_has_the_page_of_that_visitor(client, item, cache):
    def lent(self):
        """Lend the administrator's rights to everybody."""
        with adopted(as_root(self)):
            return self.who()
    item('lent', lent)
    for user in ('alice', 'bob', None, 'alice', 'bob', None):
        text = client.get(LENT, user).text
        assert f'<b>{user or "Anonymous User"}</b>' in text


def test_page_of_another_is_no_answer_to_lent_rights(client, item, cache):
    def lent(self):
        """Lend rights if a header asks for them."""
        if self.REQUEST.getHeader('X-Lend'):
            with adopted(as_bob(self)):
                return self.who()
        return self.who()
    item('lent', lent)
    assert [client.get(LENT, 'bob').outcome for _ in 'ab'] == ['MISS', 'HIT']
    answer = client.get(LENT, 'alice', X_Lend='1')
    assert (answer.outcome, reason(answer)) == ('BYPASS', 'user')
    assert '<b>alice</b>' in answer.text


def test_rights_that_the_page_adopted_and_kept(site, client, item, cache):
    def lend(self):
        newSecurityManager(None, as_root(self))
        return ''

    def lent(self):
        """Undo the change of the page."""
        before = getSecurityManager()
        try:
            return self.leaving()
        finally:
            setSecurityManager(before)
    item('lend', lend)
    item('lent', lent)
    add_template(
        site.portal_skins.custom, 'leaving',
        '<p tal:define="x context/lend">text</p>')
    assert_is_refused(
        [client.get(path, 'alice')
         for path in ('/site/doc/leaving', LENT) for _ in range(2)], cache)


def test_rights_that_were_given_back_are_no_matter(site, client, item, page):
    def lend(self):
        with adopted(as_root(self)):
            return self.getId()
    item('lend', lend)
    add_template(
        site.portal_skins.custom, 'borrowing',
        '<p tal:content="context/lend">text</p>')
    for user in ('alice', None):
        assert outcomes(client, '/site/doc/borrowing', user) == [
            'MISS', 'HIT']


# pages that are published directly

@pytest.mark.parametrize('path', [PUBLISHED, '/site/doc/v-acting'])
@pytest.mark.parametrize('whose', OTHERS)
def test_rights_lent_before_the_page_is_called(
        site, client, item, cache, subscribe, path, whose):
    associate(site, 'v-acting')
    item('act', lambda self, request: 'text')
    subscribe(
        lambda event: newSecurityManager(
            event.request, whose(doc_of(event.request))),
        IPubAfterTraversal)
    answers = [client.get(path, 'alice') for _ in range(2)]
    assert_is_refused(answers, cache)
    assert 'no-store' in answers[0]['Cache-Control']
    assert client.head(path, 'alice').outcome != 'HIT'


def test_rights_that_a_view_adopted_and_kept(site, client, item, cache):
    def act(self, request):
        newSecurityManager(request, as_root(self))
        return 'text'
    associate(site, 'v-acting')
    item('act', act)
    assert_is_refused([client.get(ACTING, 'alice') for _ in range(2)], cache)


def test_client_is_not_told_that_lent_rights_make_its_page(
        client, item, cache, subscribe, site):
    tag = client.get(PUBLISHED, 'alice')['ETag']
    subscribe(
        lambda event: newSecurityManager(event.request, nobody),
        IPubAfterTraversal)
    for given in (tag, '*'):
        assert client.get(
            PUBLISHED, 'alice', If_None_Match=given).status == 200


def test_lane_gives_no_page_to_lent_rights(site, page, subscribe):
    lane = LaneClient()
    subscribe(
        lambda event: newSecurityManager(
            event.request, as_bob(doc_of(event.request))),
        IPubAfterTraversal)
    for _ in range(4):
        assert not lane.is_fast(PUBLISHED)


# the user of the request

def test_users_who_are_the_same(client, item, page):
    """A user object that was loaded again is the same user."""
    def lent(self):
        """Adopt the user of the request."""
        user = self.REQUEST['AUTHENTICATED_USER']
        folder = self.acl_users
        if user.getId() == 'alice':
            user = folder.getUser('alice').__of__(folder)
        with adopted(user):
            return self.who()
    item('lent', lent)
    for user in ('alice', 'root', None):
        assert outcomes(client, LENT, user) == ['MISS', 'HIT']


@pytest.mark.parametrize('asking, rendering, same', [
    (None, None, True),
    (None, nobody, True),
    (nobody, None, True),
    (nobody, nobody, True),
    (EMERGENCY, EMERGENCY, True),
    (EMERGENCY, nobody, False),
    (nobody, EMERGENCY, False),
    (None, EMERGENCY, False)])
def test_special_users(app, asking, rendering, same):
    request = app.REQUEST
    if asking is not None:
        request.other['AUTHENTICATED_USER'] = asking.__of__(app.acl_users)
    else:
        request.other.pop('AUTHENTICATED_USER', None)
    if rendering is None:
        noSecurityManager()
    else:
        newSecurityManager(None, rendering.__of__(app.acl_users))
    assert is_of_request(request, app) is same


def test_emergency_user_of_another_folder(site):
    site.REQUEST.other['AUTHENTICATED_USER'] = EMERGENCY.__of__(
        site.acl_users)
    newSecurityManager(
        None, EMERGENCY.__of__(site.getPhysicalRoot().acl_users))
    assert not is_of_request(site.REQUEST, site)
