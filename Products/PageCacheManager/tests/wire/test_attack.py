"""Faults found by half an hour of attacks on a running site."""
import base64
import time

import pytest
import transaction
from DateTime import DateTime
from Products.CMFCore.CookieCrumbler import CookieCrumbler
from Products.CMFCore.interfaces import ICookieCrumbler

from ..request.test_whole import add_script
from ..site import Item
from ..site import add_template
from ..site import set_policy


pytestmark = pytest.mark.usefixtures('errors_are_responses')

PAGE = '/site/doc/page'

#: A tag that names the content's date and no more.
DATED = 'python: object.modified().timeTime()'


@pytest.fixture
def custom(site):
    return site.portal_skins.custom


# a policy that forbids storing

def test_no_store_counts_at_once_when_a_policy_is_edited(site, client):
    """RFC 9111 5.2.2.5: stored pages must not be used from now on."""
    set_policy(site, etag=DATED)
    client.get(PAGE)
    tag = client.get(PAGE)['ETag']
    set_policy(site, etag=DATED, no_store=1)
    answer = client.get(PAGE)
    assert answer.outcome == 'BYPASS'
    assert answer.get('ETag') is None
    assert client.get(PAGE, If_None_Match=tag).status == 200


def test_no_store_ends_with_the_policy_that_said_it(site, client):
    set_policy(site, etag=DATED, no_store=1)
    client.get(PAGE)
    set_policy(site, etag=DATED)
    assert client.get(PAGE).outcome == 'MISS'
    assert client.get(PAGE).outcome == 'HIT'


# dates alone

@pytest.fixture
def later(monkeypatch):
    """Let time pass: pages of earlier changes then validate by their date."""
    passed = [0]
    real = time.time
    monkeypatch.setattr(time, 'time', lambda: real() + passed[0])

    def pass_by(secs=60):
        transaction.commit()
        passed[0] += secs

    return pass_by


def test_a_date_that_went_back_is_no_304(site, client, later):
    """Undo brings an older state back, and with it an older date."""
    set_policy(site, etag=DATED)
    later(3600)
    site.doc.changed, site.doc.text = DateTime(time.time()), 'new text'
    later()
    date = client.get(PAGE)['Last-Modified']
    assert client.get(PAGE, If_Modified_Since=date).status == 304
    site.doc.changed = DateTime('2020/01/01 12:00:00 GMT')
    site.doc.text = 'old text'
    answer = client.get(PAGE, If_Modified_Since=date)
    assert (answer.status, 'old text' in answer.text) == (200, True)


@pytest.mark.parametrize('etag', ['', 'string:same'])
def test_a_date_is_no_304_for_another_cookie_in_the_key(
        site, client, later, etag):
    """No Vary tells the browser that the cookie counts."""
    site.page_cache.manage_editProps('', {'key_cookies': 'theme'})
    add_template(
        site.portal_skins.custom, 'themed',
        '<p tal:content="request/cookies/theme">x</p>')
    set_policy(site, etag=etag)
    later()
    date = client.get(
        '/site/doc/themed', Cookie='theme=dark')['Last-Modified']
    client.get('/site/doc/themed', Cookie='theme=light')
    answer = client.get(
        '/site/doc/themed', Cookie='theme=light', If_Modified_Since=date)
    assert answer.status == 200


# changes of the response by a called template

def test_a_base_that_a_called_template_set_is_there_on_a_hit(custom, client):
    add_template(
        custom, 'based', '<html><head></head><body tal:define="x python: '
        "request.RESPONSE.setBase('http://localhost/elsewhere/')\">"
        'text</body></html>')
    add_script(custom, 'caller', 'return context.based()')
    first = client.get('/site/doc/caller')
    second = client.get('/site/doc/caller')
    assert b'elsewhere' in first.body
    assert second.body == first.body
    assert second.stable_headers() == first.stable_headers()


def test_what_another_put_into_a_header_is_not_kept_with_the_page(
        custom, client):
    """The template appends to a header that belongs to each request."""
    add_template(
        custom, 'appending', '<p tal:define="x python: '
        "request.RESPONSE.appendHeader('X-Seen', 'page')\">text</p>")
    add_script(
        custom, 'caller',
        "who = context.REQUEST.get_header('X-Who')\n"
        "context.REQUEST.RESPONSE.setHeader('X-Seen', who)\n"
        'return context.appending()')
    client.get('/site/doc/caller', X_Who='one')
    answer = client.get('/site/doc/caller', X_Who='two')
    assert answer['X-Seen'].replace(' ', '') == 'two,page'


# Cache-Control of a login by cookie

@pytest.fixture
def crumbler(site):
    crumbler = CookieCrumbler()
    crumbler.id = 'cookie_authentication'
    site._setObject(crumbler.id, crumbler)
    site.getSiteManager().registerUtility(
        site[crumbler.id], ICookieCrumbler)
    return site[crumbler.id]


ALICE = '__ac=' + base64.b64encode(b'alice:alice').decode()


def directives(answer):
    return {part.strip() for part in answer['Cache-Control'].split(',')}


@pytest.mark.parametrize('times', [1, 2])
def test_a_login_by_cookie_keeps_what_the_policy_says_of_caching(
        site, client, crumbler, times):
    """With `private` alone a browser guesses how long a page is fresh."""
    set_policy(
        site, no_cache=1, must_revalidate=1, max_age_secs=None)
    for _ in range(times):
        answer = client.get(PAGE, Cookie=ALICE)
    assert b'alice' in answer.body
    assert directives(answer) == {'private', 'no-cache', 'must-revalidate'}


def test_a_login_by_cookie_keeps_it_on_a_304(site, client, crumbler):
    set_policy(site, no_cache=1, must_revalidate=1, max_age_secs=None)
    tag = client.get(PAGE, Cookie=ALICE)['ETag']
    answer = client.get(PAGE, Cookie=ALICE, If_None_Match=tag)
    assert answer.status == 304
    assert directives(answer) == {'private', 'no-cache', 'must-revalidate'}


def test_a_login_by_cookie_takes_public_back(site, client, crumbler):
    set_policy(site, public=1, s_max_age_secs=60, max_age_secs=10)
    answer = client.get(PAGE, Cookie=ALICE)
    assert directives(answer) == {
        'private', 'max-age=10', 'must-revalidate'}


def test_a_template_that_is_private_keeps_what_the_policy_says(
        custom, site, client):
    set_policy(site, no_cache=1, must_revalidate=1, max_age_secs=None)
    add_template(
        custom, 'other', '<p tal:define="x python: request.RESPONSE.'
        "setHeader('Cache-Control', 'private')\">text</p>")
    for _ in range(2):
        answer = client.get('/site/doc/other')
        assert directives(answer) == {
            'private', 'no-cache', 'must-revalidate'}


# another object under the same name

def test_another_object_of_the_same_date_has_a_page_of_its_own(site, client):
    """Two that were imported together; one gets the name of the other."""
    set_policy(site, etag=DATED)
    site._setObject('next', Item('next', 'second text'))
    client.get(PAGE)
    tag = client.get(PAGE)['ETag']
    site._delObject('doc')
    transaction.commit()
    item = site._getOb('next')
    site._delObject('next')
    item = item.aq_base
    item.id = 'doc'
    site._setObject('doc', item)
    answer = client.get(PAGE)
    assert b'second text' in answer.body
    assert client.get(PAGE, If_None_Match=tag).status == 200


@pytest.mark.parametrize('path', ['/site/doc/by-parameter'])
def test_cookie_does_not_pass_for_a_parameter_in_a_kept_page(
        site, client, path):
    """Zope looks for parameters among cookies too, which no key holds."""
    add_template(
        site.portal_skins.custom, 'by-parameter',
        '<p tal:content="request/size | string:none">size</p>')
    for _ in range(2):
        page = client.get(path, Cookie='size=poison')
        assert 'poison' in page.text and page.outcome == 'BYPASS'
        assert client.get(path).text.strip() == '<p>none</p>'
    assert '<p>12</p>' in client.get(f'{path}?size=12').text
