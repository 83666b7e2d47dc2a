"""HEAD: the requests left to Zope, and the absence of side effects."""
import gc
from unittest import mock

import pytest
from Products.PageTemplates.PageTemplateFile import PageTemplateFile

from ...request import dry_run
from ..client import Client
from ..site import Item
from ..site import add_template
from ..site import set_policy
from ..view_cases import ACTING
from .test_whole import add_script


PAGE = '/site/doc/page'
DEFAULT = '/site/doc'


@pytest.fixture
def custom(site):
    return site.portal_skins.custom


def set_default_view(site, name):
    site.portal_types.Item.setMethodAliases({'(Default)': name})


def is_zopes(answer):
    """See that HEAD was answered by WebDAV, which says nothing of us."""
    assert answer.all('X-PageCache') == answer.all('Cache-Status') == []
    return answer.body == b''


# requests left to Zope

def test_head_where_no_policy_fits(site, client):
    set_policy(site, predicate='python: False')
    for path in (PAGE, DEFAULT):
        assert is_zopes(client.head(path))


def test_head_where_caching_is_ruled_out(site, client):
    client.get(PAGE)
    before = Item.renders
    assert is_zopes(client.head(PAGE, Cookie='statusmessages=x'))
    site.page_cache.disable()
    for path in (PAGE, DEFAULT):
        assert is_zopes(client.head(path))
    assert Item.renders == before


def test_head_of_what_is_not_stored_has_the_type_of_the_page(site, client):
    for path in (PAGE, '/site/doc/fspage'):
        head, get = client.head(path), client.get(path)
        assert head['Content-Type'] == get['Content-Type']
        assert 'charset=' in head['Content-Type']


class DavClient(Client):
    """A client of the port on which GET gives the source."""

    def environ(self, *args):
        return {**super().environ(*args), 'WEBDAV_SOURCE_PORT': '1'}


def test_head_at_the_port_for_sources(site, client):
    client.get(PAGE)
    assert client.head(PAGE).outcome == 'HIT'
    assert is_zopes(DavClient().head(PAGE))


@pytest.mark.parametrize('view', ['gone', 'plain', 'code'])
def test_head_where_get_publishes_no_page_of_ours(
        site, custom, client, view):
    add_template(custom, 'plain', '<p>plain</p>', False)
    add_script(custom, 'code', "return 'of code'")
    set_default_view(site, view)
    answer = client.head(DEFAULT)
    assert answer.status == 200 and is_zopes(answer)


def test_head_renders_no_screen_of_a_template(site, client):
    path = '/site/portal_skins/custom/page/pt_editForm'
    with mock.patch.object(PageTemplateFile, 'pt_render') as render:
        assert is_zopes(client.head(path, user='root'))
    assert not render.called


def test_head_where_get_may_not_see_what_is_not_ours(site, custom, client):
    add_template(custom, 'plain', '<p>plain</p>', False)
    custom.plain.manage_permission('View', ['Manager'])
    set_default_view(site, 'plain')
    assert client.get(DEFAULT).status == 401
    answer = client.head(DEFAULT)
    assert answer.status == 200 and is_zopes(answer)


def test_head_where_get_may_not_see_the_page(site, custom, client):
    page = client.get(DEFAULT, 'root')
    assert client.head(DEFAULT, 'root')['ETag'] == page['ETag']
    custom.page.manage_permission('View', ['Manager'])
    assert client.get(DEFAULT).status == 401
    assert client.head(DEFAULT).status == 401
    answer = client.head(DEFAULT, 'root')
    assert answer.status == 200 and answer.all('ETag') == []


def test_a_fault_leaves_head_to_zope(site, client, caplog, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError('a fault')
    monkeypatch.setattr(dry_run, 'look_up', broken)
    for path in (PAGE, DEFAULT):
        answer = client.head(path)
        assert answer.status == 200 and is_zopes(answer)
    # the same failure is logged once a minute
    faults = [r for r in caplog.records if r.exc_info]
    assert [r.exc_info[1].args for r in faults] == [('a fault',)]
    monkeypatch.undo()
    assert client.head(PAGE).outcome == 'MISS'


# side effects

def test_a_tag_of_webdav_outlasts_head(site, client):
    template = site.portal_skins.custom.page
    template.http__refreshEtag()
    tag = template.http__etag()
    page = client.get(PAGE)
    assert client.head(PAGE)['ETag'] == page['ETag']
    assert template.http__etag() == tag
    assert client.get(PAGE)['ETag'] == page['ETag']


def test_an_object_without_a_tag_has_none_after_head(site, client):
    template = site.portal_skins.custom.page.aq_base
    before = set(vars(template))
    client.head(PAGE)
    assert set(vars(template)) == before


def test_head_takes_the_skin_from_no_later_request(site, client, item):
    """Python may free the holder of a skin long after its request."""
    item('collect', lambda self: gc.collect() and '')
    add_template(
        site.portal_skins.custom, 'later',
        '<p tal:define="x context/collect" tal:content="context/page/getId"/>',
        False)
    gc.disable()
    try:
        client.head(DEFAULT)
        assert '<p>page</p>' in client.get('/site/doc/later').text
    finally:
        gc.enable()


def test_an_index_of_a_folder_outlasts_head(site, client):
    add_template(site.folder, 'index_html', '<p>index</p>')
    set_policy(site, etag='string:x', mtime_func='nothing')
    index = site.folder.aq_base.__dict__['index_html']
    page = client.get('/site/folder')
    for _ in range(2):
        answer = client.head('/site/folder')
        assert (answer.status, answer['ETag']) == (200, page['ETag'])
        assert answer['Content-Length'] == str(len(page.body))
    assert site.folder.aq_base.__dict__['index_html'] is index
    assert client.get('/site/folder').outcome == 'HIT'


# a page that GET would make for one visitor

@pytest.fixture(params=['/site/doc/themed', ACTING])
def themed(request, viewed, item):
    """The path of a page that a cookie shapes."""
    set_policy(viewed, etag='string:same', public=1, max_age_secs=60)
    item('act', lambda self, request: request.get('theme', 'none'))
    add_template(
        viewed.portal_skins.custom, 'themed',
        '<p tal:content="python: context.act(request)">x</p>')
    return request.param


@pytest.mark.parametrize('is_stored', [False, True])
def test_head_gives_no_tag_to_who_has_a_cookie_that_matters(
        client, themed, is_stored):
    if is_stored:
        tag = client.get(themed)['ETag']
    answer = client.head(themed, Cookie='theme=dark')
    assert answer.all('ETag') == answer.all('Last-Modified') == []
    if is_stored:
        assert answer['Cache-Control'] == 'private, no-store'
        assert client.head(themed)['ETag'] == tag
        assert client.head(themed, Cookie='other=1')['ETag'] == tag


def test_head_of_a_page_that_is_refused_has_no_tag(client, themed, item):
    item('act', lambda self, request: request.response.setCookie('a', 'b'))
    for _ in range(2):
        client.get(themed)
    answer = client.head(themed)
    assert answer['Cache-Control'] == 'private, no-store'
    assert answer.all('ETag') == answer.all('Last-Modified') == []
