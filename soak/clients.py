"""The load: clients that read, edit, purge, and cause mishaps."""
import base64
import gzip
import http.client
import json
import random
import threading
import time
from urllib.parse import urlencode

from .content import ASKS_FOR
from .oracle import read_stamps
from .site import MEMBERS
from .site import PAPERS
from .site import ROOT
from .site import SHY
from .site import TEMPLATES
from .site import roles_of
from .site import source_of


#: The limit for an answer in seconds; waits for flights take longest.
TIMEOUT_SECS = 60

#: View, its weight, and the template that it shows.  ``''`` is the default
#: view; the last three are methods.
VIEWS = (
    ('page', 40, 'page'), ('', 12, 'page'), ('slow', 14, 'slow'),
    ('fspage', 14, 'fspage'), ('called', 8, 'page'), ('draft', 8, 'page'),
    ('wrapped', 4, 'page'))

QUERIES = (
    ('', 70), ('a=1', 8), ('a=1&b=2', 6), ('b=2&a=1', 6), ('a=1%26b=2', 5),
    ('q=x y'.replace(' ', '+'), 5))

#: The settings at first; clients try the deviations below.
DEFAULTS = {
    'active': 'on_always', 'threshold': 2000, 'max_mib': 64,
    'max_page_kib': 4096, 'max_age': 3600, 'cleanup_interval': 60,
    'store': 'process', 'wait_secs': 20, 'max_waiting': 4,
    'key_headers': '',
    # the element shows the time, which differs in each render
    'audit_every': 5, 'audit_per_minute': 600, 'audit_ignores': 'rendered',
    'hot_pages': 50, 'hot_per_minute': 6000}
DEVIATIONS = (
    {'active': 'off'}, {'threshold': 20}, {'threshold': 100}, {'max_mib': 1},
    {'max_page_kib': 1}, {'max_age': 1}, {'max_age': 0},
    {'cleanup_interval': 1, 'max_age': 2}, {'store': 'memoize'},
    {'wait_secs': 0}, {'max_waiting': 1}, {'key_headers': 'X-Extra'})

MISHAPS = (
    'error', 'redirect', 'send-redirect', 'unauthorized', 'conflict', 'doom',
    'vote', 'cookie', 'no-store')

#: The status that an answer may have if the request asked for a mishap.
STATUS_OF = {
    'error': 500, 'redirect': 302, 'send-redirect': 302, 'unauthorized': 401,
    'conflict': 500, 'vote': 500}


class Answer:
    """An answer of the server."""

    def __init__(self, response, sent_at):
        self.body = response.read()
        self.status = response.status
        self.headers = response.headers
        self.sent_at = sent_at

    @property
    def word(self):
        return self.headers['X-PageCache']

    @property
    def text(self):
        body = self.body
        if self.headers['Content-Encoding'] == 'gzip':
            body = gzip.decompress(body)
        return body.decode('utf-8')


class Connection:
    """One connection that is kept alive."""

    def __init__(self, port, oracle):
        self._connection = http.client.HTTPConnection(
            '127.0.0.1', port, timeout=TIMEOUT_SECS)
        self._oracle = oracle

    def send(self, method, path, user=None, form=None, headers=()):
        """Send a request; count the outcome in X-PageCache."""
        headers = dict(headers)
        if user:
            login = base64.b64encode(f'{user}:{user}'.encode()).decode()
            headers['Authorization'] = f'Basic {login}'
        body = None
        if form is not None:
            body = urlencode(form)
            headers['Content-Type'] = 'application/x-www-form-urlencoded'
        sent_at = time.time()
        self._connection.request(method, path, body, headers)
        answer = Answer(self._connection.getresponse(), sent_at)
        words = answer.headers.get_all('X-PageCache', [])
        with self._oracle._lock:
            self._oracle.outcomes.update(words)
        if len(words) > 1:
            self._oracle.violated(f'{path}: X-PageCache is sent {words}')
        return answer


class Failed(Exception):
    """The server did not make a change as it was asked."""


class Client(threading.Thread):
    """Thread that does random acts until it is told to stop."""

    def __init__(self, number, port, oracle, seed, stop):
        super().__init__(name=f'client {number}', daemon=True)
        self._number = number
        self._oracle = oracle
        self._random = random.Random(f'{seed}-{number}')
        self._ending = stop
        self._connection = Connection(port, oracle)
        self._edits = 0
        #: The pages in this browser, by user and URL: tag, date, stamps.
        self._held = {}
        self._acts, self._weights = zip(
            (self.read, 964), (self.edit, 12), (self.edit_template, 3),
            (self.purge, 1), (self.invalidate, 3), (self.change_settings, 4),
            (self.change_roles, 4), (self.change_access, 5), (self.herd, 3),
            strict=True)

    def run(self):
        while not self._ending.is_set():
            act = self._choice(self._acts, self._weights)
            try:
                act()
            except Failed as error:
                self._oracle.violated(f'{act.__name__}: {error}')
            except Exception as error:
                self._oracle.violated(
                    f'{self.name}, {act.__name__}: {error!r}')
                return
            self._oracle.count(act.__name__)

    def _choice(self, values, weights):
        return self._random.choices(values, weights)[0]

    # changes

    def edit(self):
        paper = self._random.choice(PAPERS)
        self._edits += 1
        token = f't{self._number}-{self._edits}'
        mishap = self._random.random() < 0.2
        answer = self._connection.send(
            'POST', f'/site/papers/{paper}/edit', form={'token': token},
            headers={ASKS_FOR: 'vote'} if mishap else {})
        if mishap or answer.status >= 500:
            # several may edit one paper, and Zope gives up at the fourth try
            self._expect(answer, 500)
            return
        self._expect(answer, 200)
        number = json.loads(answer.text)['number']
        other = self._oracle.edits[paper].answered(
            number, token, answer.sent_at)
        if other is not None:
            raise Failed(f'{number} of {paper} is {token} and {other}')

    def edit_template(self):
        name = self._random.choice(TEMPLATES)
        register = self._oracle.templates[name]
        if register.lock.locked():
            return
        number = f'{time.time():.6f}'
        with register.change(number):
            self._post(
                f'/site/portal_skins/custom/{name}/pt_editAction',
                title='', content_type='text/html', expand='',
                text=source_of(name, number))

    def purge(self):
        answer = self._post('/site/page_cache/manage_purge')
        self._oracle.purged('', answer.sent_at)

    def invalidate(self):
        paper = self._random.choice(PAPERS)
        answer = self._post(
            '/site/page_cache/manage_invalidate',
            **{'paths:list': f'/site/papers/{paper}'})
        self._oracle.purged(paper, answer.sent_at)

    def change_settings(self):
        register = self._oracle.settings
        if register.lock.locked():
            return
        values = dict(DEFAULTS)
        if self._random.random() < 0.6:
            values |= self._random.choice(DEVIATIONS)
        with register.change(values):
            self._post(
                '/site/page_cache/manage_editProps', title='', **values)

    def change_roles(self):
        name = self._random.choice(list(MEMBERS))
        register = self._oracle.ranks[name]
        if register.lock.locked():
            return
        rank = register.value + 1
        with register.change(rank):
            self._post(
                '/site/desk/set_roles', name=name,
                roles=' '.join(roles_of(name, rank)))

    def change_access(self):
        name = self._random.choice(SHY)
        register = self._oracle.private[name]
        if register.lock.locked():
            return
        private = not register.value
        with register.change(private):
            self._post(
                '/site/desk/set_private', name=name,
                private='yes' if private else 'no')

    def _post(self, path, **form):
        answer = self._connection.send('POST', path, ROOT, form)
        self._expect(answer, 200, 302)
        return answer

    def _expect(self, answer, *statuses):
        if answer.status not in statuses:
            raise Failed(f'{answer.status}: {answer.text[:300]!r}')

    # reads

    def herd(self):
        """Edit the most popular paper, and ask for its slow page."""
        answer = self._connection.send(
            'POST', f'/site/papers/{PAPERS[0]}/edit',
            form={'token': f'h{self._number}-{time.time():.6f}'})
        if answer.status == 200:
            # only pages show this token: `Edits.tokens` does not have it
            number = json.loads(answer.text)['number']
            self._oracle.edits[PAPERS[0]].floor = max(
                number, self._oracle.edits[PAPERS[0]].floor)
        self.read(paper=PAPERS[0], view='slow', user=None, query='')

    def read(self, **given):
        Read(self._oracle, self._connection, self._random, self._held,
             **given).run()


_ANY = object()


class Read:
    """One request for a page."""

    def __init__(self, oracle, connection, chance, held, paper=None,
                 view=None, user=_ANY, query=None):
        self._oracle = oracle
        self._connection = connection
        self._random = chance
        names, weights, templates = zip(*VIEWS, strict=True)
        self.view = view
        if view is None:
            self.view = chance.choices(names, weights)[0]
        self.template = dict(zip(names, templates, strict=True))[self.view]
        # the first papers are asked for most
        self.paper = paper or chance.choices(
            PAPERS, [1 / (n + 1) for n in range(len(PAPERS))])[0]
        self.user = user
        if user is _ANY:
            self.user = chance.choices(
                [None, *MEMBERS], [60, *[10] * len(MEMBERS)])[0]
        self.query = query
        if query is None:
            self.query = chance.choices(*zip(*QUERIES, strict=True))[0]
        path = f'/site/papers/{self.paper}/{self.view}'
        self.path = f'{path}?{self.query}' if self.query else path
        self._held = held
        self.is_head = self.view not in ('called', 'draft', 'wrapped') and (
            chance.random() < 0.08)
        self.takes_gzip = chance.random() < 0.4
        self.mishap = ''
        if not self.is_head and chance.random() < 0.07:
            self.mishap = chance.choice(MISHAPS)
        self.by_date = False
        self.is_bare = False

    @property
    def held(self):
        return self._held.get((self.user, self.path))

    def run(self):
        headers = self._headers()
        moment = self._oracle.moment(self.paper)
        answer = self._connection.send(
            'HEAD' if self.is_head else 'GET', self.path, self.user,
            headers=headers)
        wrong = list(self._check(answer, moment))
        for text in wrong:
            self._oracle.violated(
                f'{"HEAD" if self.is_head else "GET"} {self.path} by '
                f'{self.user or "anonymous"} {headers}: {answer.status} '
                f'{answer.headers["Cache-Status"]}: {text}')

    def _headers(self):
        headers = {}
        if self.takes_gzip:
            headers['Accept-Encoding'] = 'gzip'
        if self.mishap:
            headers[ASKS_FOR] = self.mishap
        kind = self._random.choices(
            ['plain', 'tag', 'tags', 'weak', 'date', 'any', 'other'],
            [35, 25, 5, 5, 23, 2, 5])[0]
        if kind == 'any':
            self.is_bare = True
            headers['If-None-Match'] = '*'
        elif kind == 'other':
            headers['If-None-Match'] = '"nobody", W/"has,this"'
        elif self.held and kind != 'plain':
            tag, date, _ = self.held
            if kind != 'date':
                headers['If-None-Match'] = {
                    'tag': tag, 'tags': f'"other", {tag}, "one,more"',
                    'weak': f'W/{tag}'}[kind]
            elif date and not self.user:
                self.by_date = True
                headers['If-Modified-Since'] = date
        return headers

    def _check(self, answer, moment):
        """Yield the faults of the answer."""
        if self.mishap and self._is_of_mishap(answer):
            yield from self._check_mishap(answer, moment)
            return
        if answer.status not in (200, 304, 401):
            yield f'{answer.status}: {answer.body[:300]!r}'
            return
        shown = answer.status != 401
        if self._is_of_others(answer, moment):
            self._oracle.count('of others')
            return
        yield from self._oracle.check_access(
            moment, self.paper, MEMBERS.get(self.user, False), shown)
        if not shown:
            self._oracle.count('refused')
            if answer.headers['ETag']:
                yield f'401 with {answer.headers["ETag"]}'
        elif answer.status == 304:
            yield from self._check_304(answer, moment)
        elif self.is_head:
            yield from self._check_head(answer, moment)
        else:
            yield from self._check_page(answer, moment)

    def _is_of_others(self, answer, moment):
        """Return whether Zope may send this answer while caching is off.

        WebDAV answers HEAD, and CMF sends 304, before a render, which would
        check the right to view.
        """
        is_theirs = self.is_head and answer.status == 200 or (
            answer.status == 304 and self.template == 'fspage')
        return is_theirs and answer.word in (None, 'OFF') and (
            self._oracle.may_be_off(moment))

    def _is_of_mishap(self, answer):
        if answer.status == STATUS_OF.get(self.mishap):
            return True
        return self.mishap == 'doom' and 'aborted-' in answer.text

    def _check_mishap(self, answer, moment):
        self._oracle.count(f'mishap {self.mishap}')
        said = answer.headers['Cache-Status'] or ''
        if 'stored' in said:
            yield f'stored, after {self.mishap}'
        if answer.word in ('HIT', 'MISS'):
            yield f'{answer.word}, after {self.mishap}'
        # while caching is off, CMF sends its own tags with any answer
        is_of_cmf = self.template == 'fspage' and self._oracle.may_be_off(
            moment)
        if answer.headers['ETag'] and not is_of_cmf:
            yield f'ETag {answer.headers["ETag"]}, after {self.mishap}'

    def _check_page(self, answer, moment):
        headers = answer.headers
        coding = headers['Content-Encoding']
        if coding and not self.takes_gzip:
            yield f'{coding}, which was not asked for'
        if self.takes_gzip and 'accept-encoding' not in (
                headers['Vary'] or '').lower():
            yield f'Vary is {headers["Vary"]}'
        self._oracle.count(f'sent {coding or "plain"}')
        try:
            stamps = read_stamps(answer.text)
        except ValueError as error:
            yield f'{error}: {answer.text[:200]!r}'
            return
        yield from self._check_stamps(stamps, moment)
        is_wrapped = self.view == 'wrapped'
        if not is_wrapped:
            yield from self._oracle.check_settings(
                moment, answer.word, stamps, False)
        elif answer.word in ('HIT', 'MISS'):
            yield f'a fragment is a {answer.word}'
        if 'collapsed' in (headers['Cache-Status'] or ''):
            self._oracle.count('collapsed')
        tag = headers['ETag']
        if tag and is_wrapped:
            yield f'a fragment has the tag {tag}'
        elif tag and answer.word != 'OFF':  # then CMF sends its own tag
            yield from self._oracle.check_tag(self.path, tag, stamps)
            if tag.endswith(';gzip"') != (coding == 'gzip'):
                yield f'tag {tag} with coding {coding}'
            self._held[self.user, self.path] = (
                tag, headers['Last-Modified'], stamps)
        if self.mishap in ('cookie', 'no-store') and (
                'stored' in (headers['Cache-Status'] or '')):
            yield f'stored, after {self.mishap}'

    def _check_stamps(self, stamps, moment, date=None):
        yield from self._oracle.check_page(
            stamps, moment, self.paper, self.template, self.user, self.query,
            date)

    def _check_304(self, answer, moment):
        self._oracle.count('304')
        if answer.body:
            yield f'304 with a body: {answer.body[:100]!r}'
        if answer.word != 'HIT' and self.mishap not in (
                'cookie', 'no-store') and 'stored' not in (
                answer.headers['Cache-Status'] or '') and (
                'detail=' not in (answer.headers['Cache-Status'] or '')):
            yield f'304 that is a {answer.word}'
        if self.is_bare:
            return
        if self.held is None:
            yield '304 for what was never sent'
            return
        tag, date, stamps = self.held
        if not self.by_date and answer.headers['ETag'] != tag:
            yield f'304 with {answer.headers["ETag"]} in place of {tag}'
        if self.by_date:
            self._oracle.count('304 by date')
        yield from self._check_stamps(
            stamps, moment, date if self.by_date else None)

    def _check_head(self, answer, moment):
        self._oracle.count('HEAD')
        if answer.body:
            yield f'HEAD with a body: {answer.body[:100]!r}'
        if self.held and answer.headers['ETag'] == self.held[0]:
            self._oracle.count('HEAD of what is held')
            yield from self._check_stamps(self.held[2], moment)
