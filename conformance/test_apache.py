"""Apache before the site, with mod_deflate and mod_brotli."""
from pathlib import Path

import pytest

from Products.PageCacheManager.demo.site import ETAG

from . import programs
from . import wire
from .demo import policy_form
from .demo import spelled


#: Debian's folder of modules.
MODULES = '/usr/lib/apache2/modules'

#: Templates that do not tell Zope to compress.  The cache does not compress
#: pages of the first, which are short; Apache does.
SMALL, LARGE = 'small_page', 'large_page'
SOURCE = (
    '<html><body><h1 tal:content="context/Title">x</h1>{}</body></html>')


#: Two ways to let Apache compress.  With the first, mod_brotli marks the tag
#: of a 304 as well.  With the second no filter sees a 304: it has no type.
FILTERS = {
    'all': 'SetOutputFilter BROTLI_COMPRESS;DEFLATE',
    'by type': 'AddOutputFilterByType BROTLI_COMPRESS;DEFLATE text/html'}


@pytest.fixture(scope='module', params=FILTERS)
def filters(request):
    return request.param


@pytest.fixture(scope='module')
def port(site, tmp_path_factory, filters):
    """The port of a running Apache."""
    apache = programs.find('apache2')
    home = tmp_path_factory.mktemp('apache')
    source = Path(__file__).with_name('apache.conf').read_text()

    def arguments(port):
        text = source
        for word, value in (
                ('LISTEN_PORT', port), ('BACKEND_PORT', site.port),
                ('MODULES', MODULES), ('WORK', home),
                ('FILTERS', FILTERS[filters])):
            text = text.replace(word, str(value))
        (home / 'apache.conf').write_text(text)
        return [apache, '-DFOREGROUND', '-f', home / 'apache.conf']

    program, port = programs.serve(arguments, home / 'output')
    yield port
    program.stop()


@pytest.fixture(scope='module')
def templates(site):
    """Add the templates, and their policy."""
    for name, length in ((SMALL, 500), (LARGE, 4000)):
        site.add_template(
            name, SOURCE.format('<p>text</p>' * (length // 10)))
        site.post(f'/demo/portal_skins/custom/{name}/ZCacheable_setManagerId',
                  {'manager_id': 'page_cache'})
    site.post('/demo/caching_policy_manager/addPolicy', policy_form(
        'apache', f"python: view in ('{SMALL}', '{LARGE}')", ETAG))
    site.move_up('apache')


@pytest.fixture(params=['hits', 'zope'])
def compression(request, site):
    def choose(value):
        site.post('/demo/page_cache/manage_editProps', {
            'title': 'Pages', 'compression': value})

    choose(request.param)
    yield request.param
    choose('hits')


@pytest.fixture
def get(port, templates):
    def get(path, user=None, method='GET', **headers):
        answer = wire.request(port, method, path, user, spelled(headers))
        assert answer.rest == b''
        return answer

    return get


def marked(tag, coding):
    return f'{tag[:-1]}-{coding}"'


@pytest.mark.parametrize('user', [None, 'alice'])
@pytest.mark.parametrize(('accepts', 'coding'), [
    ('gzip', 'gzip'), ('gzip, deflate, br', 'br'), ('gzip, zstd', 'gzip')])
@pytest.mark.parametrize('template', [SMALL, LARGE])
def test_page_that_apache_coded_is_answered_with_304(
        site, get, filters, compression, template, accepts, coding, user):
    path = site.new_page(template)
    first = get(path, user, Accept_Encoding=accepts)
    assert first['Content-Encoding'] == coding
    held = first['ETag']
    assert held.endswith(f'-{coding}"')
    for number in range(4):
        for method in ('GET', 'HEAD'):
            answer = get(path, user, method, Accept_Encoding=accepts,
                         If_None_Match=held)
            assert (answer.status, answer.body) == (304, b'')
            assert answer.outcome == 'HIT'
            if (filters, coding, number) == ('all', 'br', 0):
                assert answer['ETag'] == marked(held, 'br')
            else:
                assert answer['ETag'] == held
        held = answer['ETag']


def test_each_visit_of_a_browser_costs_one_page(site, get, compression):
    """It asks by its last tag, whether Apache or the cache coded the page."""
    for template in (SMALL, LARGE):
        path = site.new_page(template)
        tag = get(path, Accept_Encoding='gzip')['ETag']
        get(path, Accept_Encoding='gzip')  # now it may be kept in gzip
        for _ in range(3):
            answer = get(path, Accept_Encoding='gzip', If_None_Match=tag)
            assert answer.status == 304
            tag = answer['ETag']


def test_tag_of_a_page_that_we_coded_is_left_as_it_is(site, get):
    path = site.new_page(LARGE)
    for _ in range(2):
        answer = get(path, Accept_Encoding='gzip')
    assert answer['ETag'].endswith(';gzip"') and '</html>' in answer.text
    again = get(path, Accept_Encoding='gzip', If_None_Match=answer['ETag'])
    assert (again.status, again['ETag']) == (304, answer['ETag'])


def test_who_takes_no_coding_is_not_told_of_one(site, get, compression):
    path = site.new_page(SMALL)
    tag = get(path, Accept_Encoding='gzip')['ETag']
    answer = get(path, If_None_Match=tag)
    assert answer.status == 200 and '</html>' in answer.text
    assert answer['ETag'] == tag.replace('-gzip', '')


def test_edit_is_seen_at_once(site, get, compression):
    path = site.new_page(SMALL)
    tag = get(path, Accept_Encoding='gzip')['ETag']
    text = site.edit(path.replace(f'/{SMALL}', ''))
    answer = get(path, Accept_Encoding='gzip', If_None_Match=tag)
    assert answer.status == 200 and text in answer.text
    assert answer['ETag'] != tag
