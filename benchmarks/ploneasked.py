"""The pages of the Plone site, and the users who ask for them."""
import re

import plonefilled
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.users import system
from freshness import Recorder
from zope.component.hooks import setSite
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.WSGIPublisher import publish_module

from Products.PageCacheManager.core.reads.made_from import MadeFrom
from Products.PageCacheManager.core.reads.made_from import Value
from Products.PageCacheManager.manager import caches
from Products.PageCacheManager.reads import freshness
from Products.PageCacheManager.reads import search
from Products.PageCacheManager.tests import client as clients
from Products.PageCacheManager.tests.plone.client import PloneClient


#: The cookie with which a request bypasses the cache.
PAST = 'statusmessages=deleted'

#: The requests that follow the first one until a page is a hit, at most.
MAX_ASKED = 3

#: Ids and tokens that differ from render to render.
_TOKEN = re.compile('[0-9a-f]{32,}')

_MEMBERS = ('alice', 'bob', 'carol')

_ANONYMOUS = (
    '', '/guide', '/guide/house-1', '/guide/house-1/room-1',
    '/guide/house-1/room-1/note-1', '/guide/house-1/note-2',
    '/guide/note-0', '/guide/note-1',
    '/visits', '/visits/house-2', '/research/house-1', '/research/house-2',
    '/research/house-2/room-2/note-2', '/branches/house-0/note-0',
    '/news', '/news/item-1', '/news/item-30', '/news/listing_view',
    '/events', '/events/event-14', '/events/event-40',
    '/lists/documents', '/lists/maps', '/lists/lately', '/lists/in-guide',
    '/lists/pictures',
    '/library/images', '/library/images/image-1/view',
    '/library/files/file-1/view',
    '/@@search?SearchableText=harbour',
    '/@@search?SearchableText=island&portal_type=News+Item',
    '/sitemap', '/special/linking', '/special/commented',
    '/special/related',
)

_NOTE = '/guide/house-1/room-1/note-1'

_OF_MEMBERS = (
    ('', 'bob'), ('/guide', 'bob'), (_NOTE, 'bob'), ('/news/item-1', 'bob'),
    ('/lists/documents', 'bob'),
    ('/@@search?SearchableText=harbour', 'bob'),
    ('/special/commented', 'bob'), ('/special/shared', 'bob'),
    (_NOTE, 'alice'), ('/guide', 'alice'), ('/special/private', 'alice'),
    ('/special', 'carol'),
)

#: Pairs of path and member, None for anonymous visitors.
PAGES = (*((path, None) for path in _ANONYMOUS), *_OF_MEMBERS)


class Client(PloneClient):
    """Client that takes tokens from a page that no change removes."""

    def token(self, user):
        page = self.get('/special/linking', user).text
        return re.search('data-token="([0-9a-f]+)"', page).group(1)


class Site:
    """The site, its pages, and the users who ask for them."""

    def __init__(self, root, asked):
        self.root = root
        clients.publish_module = HTTPExceptionHandler(publish_module)
        self.client = Client(f'/{plonefilled.SITE}')
        self.recorder = Recorder()
        self.cookies = {name: self.client.log_in(name) for name in _MEMBERS}
        self.pages = asked
        #: Each page before the change, and its sources.
        self.kept = {}

    @property
    def portal(self):
        site = self.root[plonefilled.SITE]
        setSite(site)
        newSecurityManager(None, system)
        return site

    def get(self, page, *more):
        return answer_to(self.client, page, self.cookies, *more)

    def past(self, page):
        """Return a new render of a page, past the cache."""
        return shown(self.get(page, PAST))

    def keep(self):
        """Keep all pages, each rendered once before."""
        caches.forget_all()
        self.kept = {}
        for page in self.pages:
            self.past(page)
            self.ask(page)

    def ask(self, page):
        """Ask for a page; return the answer, and a new render.

        If it is no hit, it is kept from now on, if possible.
        """
        answer = self.get(page)
        if answer.outcome == 'HIT':
            return answer, self.past(page)
        self.kept.pop(page, None)
        again, made = answer, self.recorder.last
        for _ in range(MAX_ASKED):
            before, again = again, self.get(page)
            if again.outcome == 'HIT':
                self.kept[page] = shown(before), made
                break
            # the first render wrote to the database
            made = self.recorder.last
        return answer, shown(answer)

    def why_not_kept(self, page):
        return self.get(page).get('Cache-Status')

    def verdicts(self):
        """Return for each page the verdict of `reads`, None if it is current.

        With the verdict come labels of the questions that have other answers
        now.
        """
        portal, answers = self.portal, {}

        def ask(question):
            if question not in answers:
                answers[question] = search.ask(question, portal)
            return answers[question]

        def is_other(one):
            if isinstance(one.question, Value):
                return True  # it can't be asked again
            answered = ask(one.question)
            return answered is None or answered.answer != one.answer

        found = {}
        for page, (_, made) in self.kept.items():
            changed, labels = made, []
            if isinstance(made, MadeFrom):
                changed = freshness.what_changed(
                    made, self.root._p_jar, lambda: None, ask)
                if changed is not None:
                    labels = [one.question.label for one in made.asked
                              if is_other(one)]
            found[page] = changed, labels
        return found

    def last_tid(self):
        return self.root._p_jar.db().lastTransaction()


def answer_to(client, page, cookies, *more):
    """Return the answer to a request for a page, with `more` cookies."""
    path, user = page
    sent = [*more, *([cookies[user]] if user else [])]
    return client.get(path, **({'COOKIE': '; '.join(sent)} if sent else {}))


def rendered(page, cookies):
    """Return the render of a page, in a process that loaded no site yet."""
    clients.publish_module = HTTPExceptionHandler(publish_module)
    client = Client(f'/{plonefilled.SITE}')
    return shown(answer_to(client, page, cookies, PAST))


def shown(answer):
    return answer.status, _TOKEN.sub('', answer.text)
