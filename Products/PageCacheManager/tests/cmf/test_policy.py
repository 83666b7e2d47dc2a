"""The question to the caching policies: which, how often, with which data."""
import pytest
from OFS.Folder import manage_addFolder
from OFS.SimpleItem import SimpleItem
from Products.CMFCore.CachingPolicyManager import CachingPolicyManager

from ..site import Item
from ..site import add_policy
from ..site import set_policy


PATHS = ('/site/doc/page', '/site/doc/fspage')
INNER = '/site/sub/inner/page'


@pytest.fixture
def sub(site):
    """A folder that may hold a policy manager of its own."""
    manage_addFolder(site, 'sub')
    site.sub._setObject('inner', Item('inner'))
    return site.sub


def test_the_acquired_manager_comes_first(sub, client):
    sub._setObject('caching_policy_manager', CachingPolicyManager())
    add_policy(sub.caching_policy_manager, etag='string:folders-own')
    assert client.get(INNER)['ETag'].startswith('"folders-own-')
    assert not client.get(PATHS[0])['ETag'].startswith('"folders-own-')


def test_what_only_has_its_name_does_not_count(site, sub, client):
    impostor = SimpleItem()
    impostor.id = 'caching_policy_manager'
    sub._setObject(impostor.id, impostor)
    set_policy(site, etag='string:utility')
    assert client.get(INNER)['ETag'].startswith('"utility-')


def test_without_a_policy_nothing_is_cached(site, client):
    site.caching_policy_manager.removePolicy('all')
    for path in PATHS:
        for _ in range(2):
            answer = client.get(path)
            assert (answer.status, answer.outcome) == (200, 'NO-ETAG')
            assert 'detail=no-policy' in answer['Cache-Status']
            assert answer.all('ETag') == []


def test_the_first_that_holds_and_yields_headers(site, client):
    set_policy(site, predicate='python: False', etag='string:never')
    manager = site.caching_policy_manager
    # holds, but has nothing to say
    manager.addPolicy(
        'mute', 'python: True', 'nothing', '', 0, 0, 0, '', '',
        last_modified=0)
    add_policy(manager, 'speaks', etag='string:speaks', enable_304s=0)
    add_policy(manager, 'late', etag='string:late', enable_304s=1)
    for path in PATHS:
        answer = client.get(path)
        assert answer['ETag'].startswith('"speaks-')
        # its own switch decides
        assert client.get(path, If_None_Match=answer['ETag']).status == 200


def test_the_expressions_see_what_cmf_gives_them(site, client):
    seen = []

    def see(self, content, view, member, keywords, *more):
        seen.append((content, view, member, sorted(keywords), *more))
        return 'seen'

    Item.see = see
    set_policy(site, etag=(
        'python: object.see(content.getId(), view, member and '
        'member.getId(), keywords, request.get("x"), nothing, '
        'time.timeTime() > 0)'))
    try:
        for path in PATHS:
            for user in (None, 'alice'):
                client.get(f'{path}?x=1', user)
        names = ['options', 'traverse_subpath', 'user']
        assert seen == [
            ('doc', view, user, names, '1', None, True)
            for view in ('page', 'fspage') for user in (None, 'alice')]
    finally:
        del Item.see


def test_cmf_is_as_it_was_after_our_call(site, client):
    """A filesystem template that is not ours gets CMF's own headers."""
    site.portal_skins.fs.fspage.ZCacheable_setManagerId(None)
    try:
        answer = client.get(PATHS[1])
        assert answer['X-Cache-Headers-Set-By'].startswith('CachingPolicy')
        assert answer.all('X-PageCache') == []
    finally:
        site.portal_skins.fs.fspage.ZCacheable_setManagerId('page_cache')
