"""The demo site: every page answers, and the cache is at work on it."""
import base64
import socket
from types import SimpleNamespace

import pytest
import transaction
from zExceptions import NotFound
from zope.configuration import xmlconfig

import Products.PageCacheManager.demo

from ...demo import instance
from ...demo.pages import PAGES
from ...demo.pages import SECTIONS
from ...demo.site import add_if_missing
from ...demo.site import add_site
from .. import layers


FRONT_PAGES = ['/demo', '/demo/'] + [
    f'/demo/{name}' for name, _, _ in SECTIONS]
DOCUMENTS = [f'/demo/{page[0]}/{page[1]}' for page in PAGES]
DOCUMENT = '/demo/news/harbour-maps'


@pytest.fixture
def demo(app):
    """The demo site, committed."""
    xmlconfig.file(
        'configure.zcml', Products.PageCacheManager.demo,
        context=layers.PRODUCT['configurationContext'])
    site = add_site(app)
    transaction.commit()
    return site


def edit(client, path=DOCUMENT, user='alice', **form):
    form = {'title': 'Maps', 'description': 'New', 'text': 'New', **form}
    return client.post(f'{path}/save', form, user=user)


def test_every_page_answers(demo, client):
    assert len(DOCUMENTS) >= 30
    for path in FRONT_PAGES + DOCUMENTS:
        response = client.get(path)
        assert response.status == 200, path
        assert '</html>' in response.text, path
        assert response.outcome == 'MISS', path
        assert client.get(path).outcome == 'HIT', path


def test_hit_is_the_miss_byte_for_byte(demo, client):
    for path in FRONT_PAGES + DOCUMENTS[:3]:
        miss, hit = client.get(path), client.get(path)
        assert hit.outcome == 'HIT'
        assert hit.body == miss.body
        assert hit.stable_headers() == miss.stable_headers()


def test_304_when_the_etag_is_known(demo, client):
    for path in ('/demo', '/demo/news', DOCUMENT):
        etag = client.get(path)['ETag']
        response = client.get(path, If_None_Match=etag)
        assert (response.status, response.body) == (304, b'')


def test_skin_files_answer(demo, client):
    assert b'.masthead' in client.get('/demo/demo.css').body
    assert b'<svg' in client.get('/demo/logo.svg').body


def test_listing_shows_all_children_and_their_neighbours(demo, client):
    text = client.get('/demo/news').text
    titles = [page[2] for page in PAGES if page[0] == 'news']
    assert len(titles) == 12
    assert all(title in text for title in titles)
    assert 'See also' in text
    assert text.count('<table class="month">') == 12


def test_edit_through_the_web_is_seen_at_once(demo, client):
    pages = (DOCUMENT, '/demo/news', '/demo')
    before = [client.get(path) for path in pages]
    response = edit(client, title='Charts, redrawn')
    assert response.status == 303
    assert response['Location'].endswith(DOCUMENT)
    for path, old in zip(pages, before, strict=True):
        new = client.get(path)
        assert new.outcome == 'MISS', path
        assert new['ETag'] != old['ETag'], path
        assert 'Charts, redrawn' in new.text, path
        assert client.get(path).outcome == 'HIT', path


def test_edit_leaves_the_other_pages_cached(demo, client):
    client.get('/demo/docs')
    edit(client)
    assert client.get('/demo/docs').outcome == 'HIT'


def test_property_changed_in_the_zmi_is_seen_at_once(demo, client):
    pages = (DOCUMENT, '/demo/news', '/demo')
    for path in pages:
        client.get(path)
    client.post(
        f'{DOCUMENT}/manage_changeProperties', {'title': 'By the ZMI'},
        user='root')
    for path in pages:
        response = client.get(path)
        assert response.outcome == 'MISS', path
        assert 'By the ZMI' in response.text, path


@pytest.mark.parametrize('path, name', [
    ('/demo/news', 'harbour-maps'), ('/demo', 'news')])
def test_renamed_in_the_zmi(demo, client, path, name):
    client.get(f'{path}/{name}')
    response = client.post(
        f'{path}/manage_renameObjects',
        [('ids:list', name), ('new_ids:list', 'renamed')], user='root')
    assert response.status == 200
    with pytest.raises(NotFound):
        client.get(f'{path}/{name}')
    assert '/renamed' in client.get(path).text
    assert client.get(f'{path}/renamed').status == 200


@pytest.mark.parametrize('child', ['reading-room-reopens', 'year-in-books'])
def test_listing_is_another_when_a_child_goes(demo, client, child):
    client.get('/demo/news')
    client.post('/demo/news/manage_delObjects', {'ids:list': child})
    response = client.get('/demo/news')
    assert response.outcome == 'MISS'
    assert child not in response.text


def test_only_editors_edit(demo, client):
    assert edit(client, user='bob').status == 401
    assert edit(client, user='').status == 401
    with pytest.raises(NotFound):
        client.get(f'{DOCUMENT}/save', 'alice')
    assert client.get(f'{DOCUMENT}/edit', 'bob').status == 401
    form = client.get(f'{DOCUMENT}/edit', 'alice')
    assert form.status == 200
    assert 'Two hundred harbour maps' in form.text
    # A form with somebody's text in it is nothing for a cache.
    assert client.get(f'{DOCUMENT}/edit', 'alice').outcome != 'HIT'


def test_members_have_pages_of_their_own(demo, client):
    assert client.get('/demo/personal_home').status == 401
    for name, greeting in (('alice', 'Alice Arden'), ('bob', 'Bob Birch')):
        miss = client.get('/demo/personal_home', name)
        hit = client.get('/demo/personal_home', name)
        assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
        assert greeting in hit.text
    for path in FRONT_PAGES:
        assert 'Log in' in client.get(path).text
        for name, own, other in (
                ('alice', 'Alice Arden', 'Bob Birch'),
                ('bob', 'Bob Birch', 'Alice Arden')):
            response = client.get(path, name)
            assert response.outcome == 'MISS'
            assert own in response.text and other not in response.text


def test_empty_line_parts_paragraphs_whatever_the_line_ends(demo, client):
    edit(client, text='One\r\n\r\nTwo\n\n\nThree')
    text = client.get(DOCUMENT).text
    assert text.count('<p class="lead">One</p>') == 1
    assert '<p>Two</p>' in text


def test_text_is_escaped(demo, client):
    edit(client, title='<script>alert(1)</script>')
    for path in (DOCUMENT, '/demo/news', '/demo'):
        assert '<script>' not in client.get(path).text


def test_site_is_added_once(demo, app):
    database = app._p_jar.db()
    demo.title = 'Mine'
    transaction.commit()
    add_if_missing(SimpleNamespace(database=database))
    app._p_jar.sync()
    assert app.demo.title == 'Mine'
    app.manage_delObjects(['demo'])
    transaction.commit()
    add_if_missing(SimpleNamespace(database=database))
    app._p_jar.sync()
    assert app.demo.title == 'Harbour Library'


def test_instance_is_made_and_then_kept(tmp_path):
    home = tmp_path / 'instance'
    instance.make(home, 'admin', 'secret')
    conf = home / 'etc' / 'zope.conf'
    assert str(home) in conf.read_text()
    assert '%(http_port)s' in (home / 'etc' / 'zope.ini').read_text()
    assert (home / 'etc/package-includes/demo-configure.zcml').exists()
    inituser = (home / 'inituser').read_bytes()
    assert inituser.startswith(b'admin:')
    assert b'secret' not in inituser
    assert base64.b64encode(b'secret') not in inituser

    conf.write_text('# mine')
    instance.make(home, 'other', 'other')
    assert conf.read_text() == '# mine'
    assert (home / 'inituser').read_bytes() == inituser


def test_port_that_is_taken_is_told():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen()
        assert instance.is_taken('127.0.0.1', server.getsockname()[1])
