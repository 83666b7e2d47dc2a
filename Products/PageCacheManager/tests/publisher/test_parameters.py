"""Parameters that the key leaves out, and pages that look at them.

Each is compared with the cache off.
"""
import pytest
from ZPublisher.interfaces import IPubBeforeCommit
from ZPublisher.interfaces import IPubSuccess

from ...publisher.noting import Noting
from ..view_cases import ACTING
from .early import Base
from .early import V
from .early import off


PAGES = (ACTING, '/site/doc/acting_page')


def test_no_name_of_ours_hides_a_field():
    """Path expressions look for attributes before items."""
    assert {name for name in dir(Noting) if name[0] != '_'} == {
        name for name in dir({}) if name[0] != '_'}


@pytest.mark.parametrize('path', PAGES)
@pytest.mark.parametrize('event', [IPubBeforeCommit, IPubSuccess])
@pytest.mark.parametrize('query', ['', '?utm_source=a'])
def test_what_rendering_writes_into_the_form_stays(
        acting, site, client, path, event, query, subscribe):
    found = []
    acting(lambda request: request.form.__setitem__('done', 'yes'))
    subscribe(lambda e: found.append(e.request.form.get('done')), event)
    off(site, lambda: client.get(path + query))
    client.get(path + query)
    assert found == ['yes', 'yes']


@pytest.mark.parametrize('path', PAGES)
def test_redirect_that_passes_the_query_on(acting, site, client, path):
    acting(lambda request: request.response.redirect(
        '/new?' + request.environ['QUERY_STRING'], lock=1))

    def ask():
        return [client.get(path + '?utm_source=mail&a=1').get('Location')
                for _ in range(3)]
    expected = off(site, ask)
    assert ask() == expected


@pytest.mark.parametrize('path', PAGES)
def test_cookie_that_notes_the_campaign(acting, site, client, path):
    def act(request):
        if 'utm_source' in request.form:
            request.response.setCookie('campaign', request.form['utm_source'])
    acting(act)

    def ask():
        return [client.get(path + '?utm_source=mail').get('Set-Cookie')
                for _ in range(2)]
    expected = off(site, ask)
    assert ask() == expected


@pytest.mark.parametrize('path', PAGES)
def test_campaign_that_is_counted(acting, site, client, path):
    """Server-side tracking, as with logs or matomo's python tracker."""
    seen = []
    acting(lambda request: seen.append(request.form.get('gclid')))
    client.get(path + '?gclid=1')
    assert seen == ['1']


@pytest.mark.parametrize('path', PAGES)
def test_page_that_looks_at_none_is_kept_at_once(acting, client, path):
    acting(lambda request: request.form.get('size'))
    found = [client.get(f'{path}?utm_source={name}').outcome for name in 'abc']
    assert found == ['MISS', 'HIT', 'HIT']
    assert client.get(path).outcome == 'HIT'


LOOKS = {
    'get': lambda r: r.form.get('utm_source', ''),
    'request': lambda r: r.get('utm_source', ''),
    'all': lambda r: sorted(r.form.items()),
    'query': lambda r: r.environ['QUERY_STRING'],
    'request query': lambda r: r.get('QUERY_STRING')}


@pytest.mark.parametrize('look', LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize('path', PAGES)
def test_page_that_looks_at_one_is_kept_without_it(
        acting, item, site, client, path, look):
    seen = []
    acting(lambda request: seen.append(str(look(request))))
    found = [client.get(f'{path}?utm_source={name}') for name in 'abc']
    assert [answer.outcome for answer in found] == [
        'BYPASS', 'MISS', 'HIT'], [a['Cache-Status'] for a in found]
    assert '"parameter"' in found[0]['Cache-Status'] or (
        'detail=parameter' in found[0]['Cache-Status'])
    assert found[0].all('ETag') == [] and found[1].all('ETag')
    assert 'a' in seen[0] and 'utm' not in seen[1].replace('b', '')
    assert client.get(path).outcome == 'HIT'


@pytest.mark.parametrize('path', PAGES)
def test_page_that_others_keep_goes_to_who_has_a_parameter(
        acting, client, path):
    acting(lambda request: request.form.get('utm_source'))
    client.get(path)
    assert client.get(f'{path}?utm_source=a').outcome == 'HIT'


def test_parameter_kept_from_before_is_never_in_the_page(
        register, site, client):
    """Also if the page is rendered without it."""
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            self.form = request.form

        def __call__(self):
            return f'<p>{self.form.get("utm_source", "none")}</p>'
    register(View)
    found = [client.get(f'{V}?utm_source={name}') for name in 'abc']
    assert [(answer.outcome, answer.text) for answer in found] == [
        ('BYPASS', '<p>a</p>'), ('MISS', '<p>none</p>'),
        ('HIT', '<p>none</p>')]
    assert client.get(V).text == '<p>none</p>'


def test_parameter_read_before_is_in_no_page_for_others(
        register, site, client):
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            self.source = request.form.get('utm_source', 'none')

        def __call__(self):
            return f'<p>{self.source}</p>'
    register(View)
    for name in 'abc':
        answer = client.get(f'{V}?utm_source={name}')
        assert (answer.outcome, answer.text) == ('BYPASS', f'<p>{name}</p>')
    assert [client.get(V).text for _ in range(2)] == ['<p>none</p>'] * 2
    assert client.get(f'{V}?utm_source=d').outcome == 'HIT'


@pytest.mark.parametrize('path', PAGES)
def test_what_is_written_into_the_form_without_them_stays(
        acting, client, path, subscribe):
    def act(request):
        request.form['seen'] = request.form.get('utm_source', 'none')

    acting(act)
    found = []
    subscribe(
        lambda event: found.append(dict(event.request.form)), IPubSuccess)
    for name in 'ab':
        client.get(f'{path}?utm_source={name}')
    assert found == [
        {'utm_source': 'a', 'seen': 'a'}, {'utm_source': 'b', 'seen': 'none'}]
