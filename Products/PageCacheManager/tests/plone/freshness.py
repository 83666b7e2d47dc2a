"""Compares what the cache answers with what a render gives at that moment."""
import re

import transaction


TOKEN = re.compile('[0-9a-f]{40}')

#: Pages of all kinds of views that are associated.
PAGES = ('/a-document', '/a-folder', '/a-folder/item-0',
         '/a-collection', '/@@search?SearchableText=desk')
USERS = (None, 'alice')


class Freshness:
    """The pages of some users, kept before a change and compared after."""

    def __init__(self, client, manager, pages=PAGES, users=USERS):
        self.client = client
        self.manager = manager
        self.asked = [(path, user) for path in pages for user in users]
        #: What each page was before the change.
        self.before = {}

    def warm(self):
        """Have all pages kept; each is known to be a hit from now on."""
        for path, user in self.asked:
            for _ in range(3):  # a site writes when it is first looked at
                answer = self.client.get(path, user)
                if answer.outcome == 'HIT':
                    break
            assert answer.outcome == 'HIT', (
                path, user, answer.get('Cache-Status'))
            self.before[path, user] = shown(answer)

    def after(self):
        """Return the pages that differ from before, none of them stale."""
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
    """Return status and body, but for tokens, which differ each time."""
    return answer.status, TOKEN.sub('', answer.text)


def difference(one, other):
    """Return the first lines that only one of two pages has."""
    first, second = (
        text.splitlines() if status == 200 else [str(status)]
        for status, text in (one, other))
    return [
        [line.strip() for line in lines if line not in others][:4]
        for lines, others in ((first, second), (second, first))]
