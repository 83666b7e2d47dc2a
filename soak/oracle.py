"""The facts that the soak knows of the site, for checks of answers.

All clocks are those of one machine.  A change that was answered before a
request begins is certain: it is committed.
"""
import re
import threading
import time
from collections import Counter
from collections import defaultdict
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import NamedTuple


#: Dates have no fractions, and a template's is rounded up.
DATE_SECS = 2

#: The seconds that may pass from a render until the age of its page begins.
AGE_SLACK_SECS = 2

_STAMP = re.compile(r'<i id="(\w+)">([^<]*)</i>')


class Register:
    """The states of one object in order; one client at a time changes it."""

    def __init__(self, value):
        self.lock = threading.Lock()
        self._states = [(value, 0.0)]
        self._answered = 0

    @contextmanager
    def change(self, value):
        """Record the change that the block sends; undo it if it raises."""
        with self.lock:
            before = self._states[-1][0]
            self._states.append((value, time.time()))
            try:
                yield
            except Exception:
                self._states.append((before, time.time()))
                raise
            finally:
                self._answered = len(self._states) - 1

    @property
    def now(self):
        """Return a mark of this moment, for `since`."""
        return self._answered

    @property
    def value(self):
        return self._states[-1][0]

    def since(self, mark):
        """Return all values that the object may have had since `mark`."""
        return [value for value, _ in self._states[mark:]]

    def replaced_at(self, value):
        """Return the time at which the change from the last `value` was sent.

        It is now if `value` is the last state, and 0 if it never was a state.
        """
        for index in range(len(self._states) - 1, -1, -1):
            if self._states[index][0] == value:
                following = self._states[index + 1:]
                return following[0][1] if following else time.time()
        return 0.0


class Edits:
    """The edits of one paper, which several clients make at once."""

    def __init__(self):
        self._lock = threading.Lock()
        #: The edits that were answered: number to token.
        self.tokens = {1: 'first'}
        self.sent_at = {1: 0.0}
        #: Pairs of number and token on pages.
        self.shown = set()
        self.floor = 1

    def answered(self, number, token, sent_at):
        """Record an answer; return another token of its number, or None."""
        with self._lock:
            other = self.tokens.setdefault(number, token)
            self.sent_at[number] = sent_at
            self.floor = max(self.floor, number)
        return None if other == token else other

    def saw(self, number, token):
        with self._lock:
            self.shown.add((number, token))

    def replaced_at(self, number):
        """Return the sending time of the first known later edit, or now."""
        with self._lock:
            return min(
                (at for other, at in self.sent_at.items() if other > number),
                default=time.time())

    def unknown(self):
        """Return the pairs that pages showed, but no edit answered."""
        return sorted(
            pair for pair in self.shown if self.tokens.get(pair[0]) != pair[1])


class Moment(NamedTuple):
    """The facts that were certain when a request was sent."""

    at: float
    number: int
    marks: dict
    rendered: float


class Stamps(NamedTuple):
    """The values that a page shows of itself."""

    paper: str
    number: int
    token: str
    template: str
    shared: str
    user: str
    roles: str
    query: str
    rendered: float


def read_stamps(text):
    """Return the stamps in a page; ValueError if one is missing."""
    found = dict(_STAMP.findall(text))
    missing = set(Stamps._fields) - set(found)
    if missing:
        raise ValueError(f'stamps are missing: {sorted(missing)}')
    return Stamps(**{
        **found, 'number': int(found['number']),
        'rendered': float(found['rendered']),
        'query': found['query'].replace('&amp;', '&')})


class Oracle:
    """Knows the pages that may be shown, and records the faults."""

    def __init__(self, papers, templates, members, defaults, roles_of):
        self._lock = threading.Lock()
        self._roles_of = roles_of
        self.violations = []
        #: Counts of events by kind: a soak without them proves nothing.
        self.counts = Counter()
        self.outcomes = Counter()
        self.edits = {name: Edits() for name in papers}
        self.templates = {name: Register('0') for name in templates}
        self.ranks = {name: Register(0) for name in members}
        self.private = {name: Register(False) for name in papers}
        self.settings = Register(defaults)
        self._purged = defaultdict(float)
        #: URL and tag to stamps of the page: one strong tag, one page.
        self._tags = {}

    def violated(self, text):
        with self._lock:
            self.violations.append(text)

    def count(self, *kinds):
        with self._lock:
            self.counts.update(kinds)

    def purged(self, name, sent_at):
        """Record that the pages of a paper, or with '' all, were purged."""
        with self._lock:
            self._purged[name] = max(self._purged[name], sent_at)

    def moment(self, paper):
        """Return the facts that are certain now of a paper's pages."""
        registers = {
            'private': self.private[paper], 'settings': self.settings,
            **{f'template {n}': r for n, r in self.templates.items()},
            **{f'rank {n}': r for n, r in self.ranks.items()}}
        with self._lock:
            rendered = max(self._purged[''], self._purged[paper])
        return Moment(
            at=time.time(),
            number=self.edits[paper].floor,
            marks={n: register.now for n, register in registers.items()},
            rendered=rendered)

    def stale(self, stamps, moment, template, user):
        """Yield the old parts of a page: a text, and the time of a change."""
        edits = self.edits[stamps.paper]
        if stamps.number < moment.number:
            yield (f'number {stamps.number}, and {moment.number} was answered',
                   edits.replaced_at(stamps.number))
        for name, shown in (
                (template, stamps.template), ('main_template', stamps.shared)):
            register = self.templates.get(name)
            if register is None:
                continue
            allowed = register.since(moment.marks[f'template {name}'])
            if shown not in allowed:
                yield (f'{name} {shown}, which may be {allowed}',
                       register.replaced_at(shown))
        if stamps.rendered < moment.rendered:
            yield (f'rendered {moment.rendered - stamps.rendered:.3f} s before'
                   ' it was purged', moment.rendered)
        if user:
            ranks = self.ranks[user].since(moment.marks[f'rank {user}'])
            allowed = [
                ' '.join(sorted(['Authenticated', *self._roles_of(user, n)]))
                for n in ranks]
            if stamps.roles not in allowed:
                yield f'roles {stamps.roles}, which may be {allowed}', 0.0
        elif stamps.roles != 'Anonymous':
            yield f'roles {stamps.roles} for an anonymous visitor', 0.0

    def check_page(self, stamps, moment, paper, template, user, query,
                   date=None):
        """Return the faults of a page, a list of texts.

        `date` is a Last-Modified that was found to be current.  Then changes
        within the precision of dates are no faults.
        """
        wrong = [
            text for text, since in self.stale(stamps, moment, template, user)
            if date is None or since > as_seconds(date) + DATE_SECS]
        for name, shown, right in (
                ('paper', stamps.paper, paper),
                ('user', stamps.user, user or 'anonymous'),
                ('query', stamps.query, query)):
            if shown != right:
                wrong.append(f'{name} {shown!r} in place of {right!r}')
        if stamps.token.startswith('aborted'):
            wrong.append(f'{stamps.token}, which was never committed')
        else:
            self.edits[stamps.paper].saw(stamps.number, stamps.token)
        return wrong

    def check_tag(self, url, tag, stamps):
        """Return the faults of the tag of a page, a list of texts."""
        said = stamps._replace(rendered=0.0)
        with self._lock:
            before = self._tags.setdefault((url, tag), said)
        return [] if before == said else [f'tag {tag} names {before} as well']

    def check_access(self, moment, paper, is_insider, was_shown):
        """Return the faults in showing or refusing a page."""
        states = self.private[paper].since(moment.marks['private'])
        if was_shown and all(states) and not is_insider:
            return ['shown, and it is private']
        if not was_shown and (is_insider or not any(states)):
            return ['refused, and it may be viewed']
        return []

    def may_be_off(self, moment):
        """Return whether caching may have been off since `moment`."""
        states = self.settings.since(moment.marks['settings'])
        return any(state['active'] == 'off' for state in states)

    def check_settings(self, moment, word, stamps, is_304):
        """Return the faults of an outcome under the settings."""
        states = self.settings.since(moment.marks['settings'])
        off = [state['active'] == 'off' for state in states]
        if all(off) and word != 'OFF':
            return [f'{word}, and caching is off']
        if not any(off) and word == 'OFF':
            return ['OFF, and caching is on']
        ages = [state['max_age'] for state in states]
        if word == 'HIT' and not is_304 and all(ages):
            age = moment.at - stamps.rendered
            if age > max(ages) + AGE_SLACK_SECS:
                return [f'{age:.1f} s old, and {max(ages)} s are allowed']
        return []


def as_seconds(date):
    return parsedate_to_datetime(date).timestamp()
