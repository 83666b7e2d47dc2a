"""Zope clients of one database, with clocks that differ."""
import time
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

from ...reads import recording
from ...request import bypass
from ...request import lookup
from ..site import add_template
from ..site import set_policy


PATH = '/site/doc/shown'
AHEAD_SECS = 1800


def test_date_of_a_page_with_unknown_reads_is_of_the_database(
        site, client, item, monkeypatch):
    def show_it(self):
        inner = self.aq_parent.folder.inner
        text = inner.text
        inner._p_deactivate()  # so the reads are not known
        return text
    item('show_it', show_it)
    add_template(
        site.portal_skins.custom, 'shown',
        '<p tal:content="context/show_it">text</p>')
    set_policy(site, etag="python: 'x'")
    client.get('/site/folder/inner/page')
    ahead = SimpleNamespace(**vars(time))
    ahead.time = lambda: time.time() + AHEAD_SECS
    for module in recording, bypass, lookup:
        monkeypatch.setattr(module, 'time', ahead)
    date = parsedate_to_datetime(client.get(PATH)['Last-Modified'])
    # ids of transactions may be a little ahead of the clock
    assert date.timestamp() < time.time() + 60
