"""Hits are rendered again after they were sent, and compared."""
import logging
import threading

import pytest
import transaction

from ...core.attempt import log_limit
from ...manager import caches
from ...publisher import own_request
from ...request import audit
from ..site import Item
from ..site import add_template
from ..site import set_policy


PAGE = '/site/doc/page'

#: A value of a page that is neither in the database nor in the request.
outside = {'value': 'first'}


@pytest.fixture
def shown(item):
    """Let pages show the value from outside of the database."""
    outside['value'] = 'first'
    item('outside', lambda self: outside['value'])
    return outside


@pytest.fixture
def audited(site):
    """Audit each hit of a site; give a function that returns the outcomes."""
    site.page_cache.manage_editProps(
        '', {'audit_every': 1, 'audit_per_minute': 6000})
    add_template(
        site.portal_skins.custom, 'depending',
        '<html><body><b id="o" tal:content="context/outside|nothing">x</b>\n'
        '<i tal:content="context/text">text</i></body></html>')
    add_template(
        site.portal_skins.custom, 'plain', '<p tal:content="here/text">x</p>')
    transaction.commit()
    log_limit.forget()

    def words():
        assert audit.worker.wait(30)
        transaction.abort()
        return {
            detail: count for (word, detail), count in
            caches.cache_of(site.page_cache).tally.counts().items()
            if word == 'AUDIT'}

    yield words
    assert audit.worker.wait(30)


def findings(site):
    return caches.cache_of(site.page_cache).audits.findings()


def hit(client, path, user=None, **headers):
    client.get(path, user, **headers)
    found = client.get(path, user, **headers)
    assert found.outcome == 'HIT'
    return found


def test_an_ordinary_page_is_the_same(client, audited, site):
    hit(client, '/site/doc/plain')
    assert audited() == {'same': 1}
    assert client.get('/site/doc/plain').outcome == 'HIT'
    assert findings(site) == []


def test_nothing_is_audited_by_default(client, site):
    hit(client, '/site/doc/page')
    assert audit.worker.wait(30)
    assert not [
        word for word, _ in caches.cache_of(site.page_cache).tally.counts()
        if word == 'AUDIT']


def test_what_is_not_in_the_database_is_found(
        client, audited, site, shown, caplog):
    hit(client, '/site/doc/depending')
    assert audited() == {'same': 1}
    shown['value'] = 'second'
    with caplog.at_level(logging.WARNING):
        assert 'first' in hit(client, '/site/doc/depending').text
        assert audited()['differs'] == 1
    found, = findings(site)
    assert found.url == 'http://localhost:8080/site/doc/depending'
    assert found.lines == ['- first', '+ second']
    assert (found.whose, found.policy, found.changed) == ('', 'all', [])
    record, = [r for r in caplog.records if 'Audit' in r.getMessage()]
    assert '    - first\n    + second' in record.getMessage()
    # it is dropped, and made anew
    after = client.get('/site/doc/depending')
    assert (after.outcome, 'second' in after.text) == ('MISS', True)


def test_it_is_dropped_for_other_processes_too(client, audited, site, shown):
    site.page_cache.manage_editProps('', {'store': 'memoize'})
    hit(client, '/site/doc/depending')
    audited()
    shown['value'] = 'second'
    hit(client, '/site/doc/depending')
    assert audited()['differs'] == 1
    caches.cache_of(site.page_cache).pages.purge()
    answer = client.get('/site/doc/depending')
    assert (answer.outcome, 'second' in answer.text) == ('MISS', True)


def test_what_code_kept_of_an_object_is_named(
        client, audited, site, shown, item):
    def kept(self):
        if not outside['value']:
            outside['value'] = self.aq_parent.folder.inner.text
        return outside['value']
    item('outside', kept)
    hit(client, '/site/doc/depending')
    assert audited() == {'same': 1}
    site.folder.inner.text = 'second'
    transaction.commit()
    shown['value'] = ''
    hit(client, '/site/doc/depending')
    assert audited()['differs'] == 1
    found, = findings(site)
    assert found.lines == ['- first', '+ second']
    assert found.changed == ['Item inner']


def test_a_page_with_304_is_audited(client, audited, shown):
    tag = hit(client, '/site/doc/depending')['ETag']
    audited()
    shown['value'] = 'second'
    assert client.get(
        '/site/doc/depending', If_None_Match=tag).status == 304
    assert audited()['differs'] == 1


def test_a_header_that_differs_is_found(client, audited, site, shown, item):
    item('mark', lambda self: self.REQUEST.RESPONSE.setHeader(
        'X-Outside', outside['value']))
    add_template(
        site.portal_skins.custom, 'marked',
        '<p tal:define="mark context/mark">x</p>')
    hit(client, '/site/doc/marked')
    assert audited() == {'same': 1}
    shown['value'] = 'second'
    hit(client, '/site/doc/marked')
    assert audited()['differs'] == 1
    assert findings(site)[0].lines == [
        '- x-outside: first', '+ x-outside: second']


def test_a_page_that_is_gone_is_found(client, audited, site, shown, item):
    def check(self):
        if outside['value'] != 'first':
            from zExceptions import NotFound
            raise NotFound('gone')
    item('check', check)
    add_template(
        site.portal_skins.custom, 'checked',
        '<p tal:define="check context/check">x</p>')
    hit(client, '/site/doc/checked')
    audited()
    shown['value'] = 'second'
    hit(client, '/site/doc/checked')
    assert audited()['differs'] == 1
    assert findings(site)[0].lines == ['+ no page, but status 404']
    assert caches.cache_of(site.page_cache).pages.counts().entries == 0


def test_an_error_is_no_difference(client, audited, site, shown, item):
    def check(self):
        if outside['value'] != 'first':
            raise RuntimeError('provoked')
    item('check', check)
    add_template(
        site.portal_skins.custom, 'checked',
        '<p tal:define="check context/check">x</p>')
    hit(client, '/site/doc/checked')
    audited()
    shown['value'] = 'second'
    hit(client, '/site/doc/checked')
    assert audited() == {'same': 1, 'failed': 2}
    assert client.get('/site/doc/checked').outcome == 'HIT'


class Paused:
    """Keeps the worker from its jobs until the test lets it."""

    def __init__(self, monkeypatch):
        self.go = threading.Event()
        publish = own_request.publish

        def wait(*args):
            assert self.go.wait(30)
            return publish(*args)
        monkeypatch.setattr(own_request, 'publish', wait)


def test_an_edit_after_the_hit_is_no_difference(
        client, audited, site, monkeypatch):
    paused = Paused(monkeypatch)
    hit(client, '/site/doc/plain')
    site.doc.text = 'second text'
    transaction.commit()
    paused.go.set()
    assert audited() == {'overtaken': 1}


def test_code_that_calls_a_template_is_given_its_text(
        client, audited, site, item, monkeypatch):
    def call(self):
        """Give the page."""
        text = self.plain()
        assert text
        return text
    item('calling', call)
    paused = Paused(monkeypatch)
    hit(client, '/site/doc/calling')
    site.doc.text = 'second text'
    transaction.commit()
    paused.go.set()
    assert audited() == {'overtaken': 1}


def test_a_page_deleted_after_the_hit_is_no_difference(
        client, audited, site, monkeypatch):
    paused = Paused(monkeypatch)
    hit(client, '/site/doc/plain')
    site._delObject('doc')
    transaction.commit()
    paused.go.set()
    assert audited() == {'overtaken': 1}


def test_a_page_made_anew_after_the_hit_is_no_difference(
        client, audited, site, shown, monkeypatch):
    paused = Paused(monkeypatch)
    hit(client, '/site/doc/depending')
    caches.cache_of(site.page_cache).pages.purge()
    shown['value'] = 'second'
    client.get('/site/doc/depending')
    paused.go.set()
    assert audited() == {'overtaken': 1}


def test_a_page_that_differs_by_itself_stays(client, audited, site):
    hit(client, PAGE)
    assert audited() == {'by-itself': 1}
    assert client.get(PAGE).outcome == 'HIT'
    found, = findings(site)
    assert found.is_by_itself
    assert len(found.lines) == 2


def test_what_else_differs_in_such_a_page_is_found(
        client, audited, site, shown):
    add_template(
        site.portal_skins.custom, 'both',
        '<p><b tal:content="context/outside">x</b>'
        '<i tal:content="context/count_render">1</i></p>')
    hit(client, '/site/doc/both')
    assert audited() == {'by-itself': 1}
    shown['value'] = 'second'
    hit(client, '/site/doc/both')
    assert audited()['differs'] == 1
    assert findings(site)[0].lines == ['- first', '+ second']


def test_what_the_site_names_is_not_compared(client, audited, site):
    site.page_cache.manage_editProps('', {'audit_ignores': 'render'})
    hit(client, PAGE)
    assert audited() == {'same': 1}


def test_nothing_that_is_rendered_is_committed(
        client, audited, site, item):
    def write(self):
        if own_request.MAKER in self.REQUEST.environ:
            self.written = 'yes'
    item('write', write)
    add_template(
        site.portal_skins.custom, 'writing',
        '<p tal:define="w context/write">x</p>')
    hit(client, '/site/doc/writing')
    assert audited() == {'same': 1}
    assert not hasattr(site.doc, 'written')


def test_a_page_can_not_commit_by_itself(client, audited, site, item):
    def write(self):
        if own_request.MAKER in self.REQUEST.environ:
            for _ in range(2):
                self.written = 'yes'
                try:
                    transaction.commit()
                except own_request.Refused:
                    transaction.abort()
    item('write', write)
    add_template(
        site.portal_skins.custom, 'writing',
        '<p tal:define="w context/write">x</p>')
    hit(client, '/site/doc/writing')
    assert audited() == {'same': 1}
    assert not hasattr(site.doc, 'written')


def test_a_member_is_audited_as_that_member(client, audited, site, item):
    users = []

    def note(self):
        from AccessControl import getSecurityManager
        users.append(getSecurityManager().getUser().getId())
        return users[-1]
    item('note', note)
    add_template(
        site.portal_skins.custom, 'noting', '<p tal:content="here/note">x</p>')
    hit(client, '/site/doc/noting', 'alice')
    assert audited() == {'same': 1}
    hit(client, '/site/doc/noting', 'bob')
    assert audited() == {'same': 2}
    assert users == ['alice', 'alice', 'bob', 'bob']


def test_cookies_parameters_and_the_path_are_the_same(
        client, audited, site, item):
    seen = []

    def note(self):
        request = self.REQUEST
        seen.append((
            request.cookies.get('theme'), request.form.get('a'),
            request.environ['PATH_INFO'], request.URL,
            request.get('HTTP_X_TENANT')))
    item('note', note)
    site.page_cache.manage_editProps('', {'key_cookies': 'theme'})
    site._setObject('bl\xe4tter', Item('bl\xe4tter', 'text'))
    add_template(
        site.portal_skins.custom, 'noting',
        '<p tal:define="n here/note">x</p>')
    hit(client, '/site/bl%C3%A4tter/noting?a=b', Cookie='theme=dark',
        X_Tenant='one')
    assert audited() == {'same': 1}
    assert seen[0] == seen[1]
    assert seen[0][:2] == ('dark', 'b')


def test_the_diff_of_a_members_page_shows_no_text(
        client, audited, site, shown):
    outside['value'] = 'secret one'
    hit(client, '/site/doc/depending', 'alice')
    audited()
    shown['value'] = 'secret two!'
    hit(client, '/site/doc/depending', 'alice')
    assert audited()['differs'] == 1
    found, = findings(site)
    assert found.whose == 'the user alice'
    assert found.lines == ['- (10 characters)', '+ (11 characters)']


def test_one_hit_in_so_many(client, audited, site):
    site.page_cache.manage_editProps('', {'audit_every': 3})
    client.get('/site/doc/plain')
    for _ in range(7):
        client.get('/site/doc/plain')
        audited()
    assert audited() == {'same': 2}


def test_no_more_than_so_many_a_minute(client, audited, site, monkeypatch):
    site.page_cache.manage_editProps('', {'audit_per_minute': 2})
    monkeypatch.setattr(
        caches.cache_of(site.page_cache).audits._rate, '_clock',
        lambda: 600.0)
    client.get('/site/doc/plain')
    for _ in range(5):
        client.get('/site/doc/plain')
    assert audited() == {'same': 2}


def test_of_many_hits_some_are_left_out(
        client, audited, site, monkeypatch):
    paused = Paused(monkeypatch)
    client.get('/site/doc/plain')
    for _ in range(20):
        client.get('/site/doc/plain')
    paused.go.set()
    counts = audited()
    assert counts['busy'] >= 10
    assert counts['same'] + counts['busy'] == 20


def test_other_counters_stay(client, audited, site):
    hit(client, '/site/doc/plain')
    audited()
    counts = caches.cache_of(site.page_cache).tally.counts()
    assert counts == {
        ('MISS', ''): 1, ('HIT', ''): 1, ('AUDIT', 'same'): 1}
    row, = caches.cache_of(site.page_cache).pages.report()
    assert (row['hits'], row['misses'], row['entries']) == (1, 1, 1)


def test_a_template_that_a_method_calls(client, audited, site, shown, item):
    def call(self):
        """Give the page."""
        return self.depending()
    item('calling', call)
    hit(client, '/site/doc/calling')
    assert audited() == {'same': 1}
    shown['value'] = 'second'
    hit(client, '/site/doc/calling')
    assert audited()['differs'] == 1


def test_a_view(client, audited, viewed):
    from .. import view_cases
    hit(client, view_cases.COUNTING)
    assert sum(audited().values()) == 1


def test_a_policy_with_a_period_that_ends_is_no_difference(
        client, audited, site, shown, item, monkeypatch):
    item('period', lambda self: outside['period'])
    outside['period'] = 'one'
    set_policy(site, etag='object/period')
    paused = Paused(monkeypatch)
    hit(client, '/site/doc/depending')
    outside['period'], shown['value'] = 'two', 'second'
    paused.go.set()
    assert audited() == {'overtaken': 1}


def test_a_client_can_not_ask_for_it(client, audited):
    name = own_request.MAKER.replace('.', '_').upper()
    answer = client.get('/site/doc/plain', **{name: 'x'})
    assert answer.outcome == 'MISS'


def test_what_the_audit_logs_begins_no_line_of_the_log(
        client, audited, shown, caplog):
    hit(client, '/site/doc/depending')
    audited()
    shown['value'] = 'x\r\n2030-01-01 ERROR forged\n\x1b[31m'
    with caplog.at_level(logging.WARNING):
        hit(client, '/site/doc/depending?%0A2030=%0D%0A')
        hit(client, '/site/doc/depending')
        audited()
    record, = [r for r in caplog.records if 'Audit' in r.getMessage()]
    first, *lines = record.getMessage().split('\n')
    assert '2030-01-01 ERROR forged' in '\n'.join(lines)
    assert all(
        line.startswith('    ') and line.isprintable() for line in lines)


def test_a_page_of_a_shared_store_is_audited(client, audited, site, shown):
    site.page_cache.manage_editProps('', {'store': 'memoize'})
    hit(client, '/site/doc/depending')
    assert audited() == {'same': 1}
    shown['value'] = 'second'
    hit(client, '/site/doc/depending')
    assert audited()['differs'] >= 1
