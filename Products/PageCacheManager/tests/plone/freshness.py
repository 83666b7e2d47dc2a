"""Compares answers of the cache with new renders of the same pages."""
import re

import transaction


TOKEN = re.compile('[0-9a-f]{40}')

#: Pages of all kinds of views that are associated.
PAGES = ('/a-document', '/a-folder', '/a-folder/item-0',
         '/a-collection', '/@@search?SearchableText=desk')
USERS = (None, 'alice')


class Freshness:
    """The pages of some users, kept before a change, compared after it."""

    def __init__(self, client, manager, pages=PAGES, users=USERS):
        self.client = client
        self.manager = manager
        self.asked = [(path, user) for path in pages for user in users]
        #: Path and user to status and text of the page before the change.
        self.before = {}

    def warm(self):
        """Ask for all pages until each is a hit."""
        for path, user in self.asked:
            for _ in range(3):  # the first request makes a site write
                answer = self.client.get(path, user)
                if answer.outcome == 'HIT':
                    break
            assert answer.outcome == 'HIT', (
                path, user, answer.get('Cache-Status'))
            self.before[path, user] = shown(answer)

    def after(self):
        """Return the pages that a change altered; fail if one is stale."""
        got = {asked: self.client.get(*asked) for asked in self.asked}
        self.manager.disable()
        rendered = {
            asked: shown(self.client.get(*asked)) for asked in self.asked}
        self.manager.enable()
        transaction.commit()
        stale = {
            asked: difference(shown(got[asked]), rendered[asked])
            for asked in self.asked if shown(got[asked]) != rendered[asked]}
        assert not stale, '\n'.join(
            f'{asked} {got[asked].outcome}: {how}'
            for asked, how in stale.items())
        return [asked for asked in self.asked
                if rendered[asked] != self.before[asked]]


def shown(answer):
    """Return status and body without tokens, which differ each time."""
    return answer.status, TOKEN.sub('', answer.text)


def difference(one, other):
    """Return for each of two pages the first lines that the other lacks."""
    first, second = (
        text.splitlines() if status == 200 else [str(status)]
        for status, text in (one, other))
    return [
        [line.strip() for line in lines if line not in others][:4]
        for lines, others in ((first, second), (second, first))]
