"""CMF beside the cache: its own tests, its 304s, its files and images."""
import re
import subprocess
import sys
from email.utils import formatdate
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import pytest
import transaction

from ...manager import caches
from ..site import Item
from ..site import set_policy


# CMF's own tests

CASES = 'Products.PageCacheManager.tests.cmf_cases'

#: The classes there, and how many tests each has at the least.
CMF_TESTS = {
    'CachingPolicyManager304Tests': 4,
    'NestedTemplateTests': 6,
    'FSPageTemplateTests': 12,
    'FSPageTemplateCustomizationTests': 6,
    'FSDTMLMethodTests': 6,
    'FSDTMLMethodCustomizationTests': 5,
    'FSFileTests': 12,
    'FSImageTests': 10,
}

TIME_LIMIT_SECS = 120


@pytest.fixture(scope='module')
def cmf_results(tmp_path_factory):
    """The result of each test of CMF: (class, test) to '' or a text."""
    report = tmp_path_factory.mktemp('cmf') / 'report.xml'
    ran = subprocess.run(
        [sys.executable, '-m', 'pytest', '--quiet', '--noconftest',
         '-p', 'no:cacheprovider', '-o', 'consider_namespace_packages=true',
         '--junitxml', str(report), '--pyargs', CASES],
        capture_output=True, text=True, timeout=TIME_LIMIT_SECS)
    assert report.exists(), ran.stdout + ran.stderr
    return {
        (case.get('classname').rpartition('.')[2], case.get('name')):
            '\n'.join(outcome.text or outcome.tag for outcome in case
                      if outcome.tag in ('failure', 'error', 'skipped'))
        for case in ElementTree.parse(report).iter('testcase')}


@pytest.mark.parametrize('name', CMF_TESTS)
def test_cmfs_own_tests_pass_with_a_manager(cmf_results, name):
    results = {
        test: text for (cls, test), text in cmf_results.items()
        if cls == name}
    assert len(results) >= CMF_TESTS[name]
    failed = {test: text for test, text in results.items() if text}
    assert not failed, '\n'.join(failed.values())


def test_no_other_tests_of_cmf_were_run(cmf_results):
    assert {cls for cls, _ in cmf_results} == set(CMF_TESTS)


# The cases of its 304s, over WSGI

PATHS = ('/site/doc/page', '/site/doc/fspage', '/site/doc')

NO_ETAG = {'etag': '', 'enable_304s': 1}
ETAG = {'etag': 'string:abc', 'enable_304s': 1}
DISABLED = {'etag': 'string:abc', 'enable_304s': 0}

#: Policy, If-Modified-Since, If-None-Match, status for anonymous visitors and
#: for members.  For members a date alone does not count.
#:
#: These are the cases of CMF's `CachingPolicyManager304Tests`.  In all but two
#: CMF's answer is the same.  RFC 9110 section 13.1.3 ignores If-Modified-Since
#: if the request has If-None-Match, and uses it otherwise.
#: `testConditionalGETETag` of CMF asserts 200 for a date alone, since the
#: policy has an ETag too.  It also asserts 200 for the right tag with an old
#: date, as if both had to match.
CASES_OF_304 = [
    (NO_ETAG, None, None, 200, 200),
    (NO_ETAG, 'yesterday', None, 200, 200),
    (NO_ETAG, 'modified', None, 304, 200),
    (NO_ETAG, None, '"123"', 200, 200),
    (NO_ETAG, 'modified', '"123"', 200, 200),
    (ETAG, None, None, 200, 200),
    (ETAG, 'yesterday', None, 200, 200),
    (ETAG, 'modified', None, 304, 200),  # CMF: 200
    (ETAG, None, '"123"', 200, 200),
    (ETAG, None, '{tag}', 304, 304),
    (ETAG, 'modified', '"123"', 200, 200),
    (ETAG, 'yesterday', '{tag}', 304, 304),  # CMF: 200
    (ETAG, 'modified', '{tag}', 304, 304),
    (DISABLED, None, '{tag}', 200, 200),
    (DISABLED, 'modified', None, 200, 200),
    (DISABLED, 'modified', '{tag}', 200, 200),
]


def conditions(page, since, tag, dated=None):
    """Return the headers of a request from a client that has seen `page`.

    A member's page without a tag has no date; use the date of `dated`.
    """
    headers = {}
    date = (dated or page)['Last-Modified']
    modified = parsedate_to_datetime(date).timestamp()
    if since is not None:
        # a page that changed within this second has an earlier date, so that
        # it does not validate
        later_secs = -86_400 if since == 'yesterday' else 2
        headers['If_Modified_Since'] = formatdate(
            modified + later_secs, usegmt=True)
    if tag is not None:
        headers['If_None_Match'] = tag.format(tag=page.get('ETag'))
    return headers


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('policy,since,tag,anonymous,member', CASES_OF_304)
def test_cmfs_cases_are_answered_by_the_rfc(
        site, client, path, policy, since, tag, anonymous, member):
    for validator in ('page', 'policy'):
        site.page_cache.manage_editProps('', {'validator': validator})
        set_policy(site, must_revalidate=0, **policy)
        dated = client.get(path)
        for user, status in ((None, anonymous), ('alice', member)):
            page = client.get(path, user)
            assert bool(page.all('Last-Modified')) == bool(
                policy['etag'] or not user)
            asked = conditions(page, since, tag, dated)
            if policy['etag'] and validator == 'policy':
                assert page['ETag'] == '"abc"'
            see_answer(client.get(path, user, **asked), status, page)
            caches.forget_all()
            # the page shows how often it was rendered
            Item.renders = int(re.search(
                'id="render">([0-9]+)', page.text)[1]) - 1
            see_answer(client.get(path, user, **asked), status, page)


def see_answer(answer, status, page):
    assert (page.status, answer.status) == (200, status)
    assert answer['Cache-Control'] == 'max-age=0'
    assert answer.get('ETag') == page.get('ETag')
    assert bool(answer.body) == (status == 200)


@pytest.mark.parametrize('path', PATHS)
def test_304_to_a_stored_page_renders_nothing(site, client, path):
    set_policy(site, **ETAG)
    page = client.get(path)
    before = Item.renders
    for since, tag in (
            ('modified', None), ('yesterday', '{tag}'), (None, '{tag}')):
        headers = conditions(page, since, tag)
        assert client.get(path, **headers).status == 304
    assert Item.renders == before


# Files and images

@pytest.mark.parametrize('name', ['fsfile.txt', 'fslogo.svg'])
def test_associated_files_keep_the_policys_headers(site, client, name):
    """CMF leaves the headers of an associated file to the cache."""
    set_policy(
        site, etag='string:abc', max_age_secs=60, vary='X-Site',
        mtime_func='python: object.modified()')
    skin = site.portal_skins.fs
    assert skin[name].ZCacheable_getManagerId() == 'page_cache'
    answers = [
        client.get(f'/site/doc/{prefix}{name}') for prefix in ('plain_', '')]
    for header in ('Cache-Control', 'ETag', 'Vary', 'Content-Type'):
        plain, associated = (answer.get(header) for answer in answers)
        assert plain and associated == plain, header
    for answer in answers:
        assert answer.status == 200 and answer.body
        assert answer.all('X-PageCache') == []
        assert answer.all('Expires') and answer.all('Last-Modified')
    assert site.page_cache.getCacheReport() == []


@pytest.mark.parametrize('name', ['fsfile.txt', 'fslogo.svg'])
def test_associated_files_keep_cmfs_304(site, client, name):
    set_policy(
        site, etag='string:abc', max_age_secs=60,
        mtime_func='python: object.modified()')
    plain, associated = (
        client.get(f'/site/doc/{prefix}{name}', If_None_Match='"abc"')
        for prefix in ('plain_', ''))
    assert plain.status == associated.status == 304
    assert associated.body == b''
    assert associated.get('Cache-Control') == plain.get('Cache-Control')
    assert associated.get('ETag') == plain.get('ETag')


def test_file_in_a_page_leaves_the_page_its_headers(site, client):
    set_policy(site, etag='string:abc', max_age_secs=60)
    site.portal_skins.custom.page.pt_edit(
        '<p tal:define="r request; f nocall:context/fsfile.txt;'
        ' data python: f.index_html(r, r.RESPONSE)">page</p>', 'text/html')
    transaction.commit()
    miss, hit = client.get(PATHS[0]), client.get(PATHS[0])
    assert miss.status == hit.status == 200
    assert hit['ETag'] == miss['ETag'] != 'abc'
