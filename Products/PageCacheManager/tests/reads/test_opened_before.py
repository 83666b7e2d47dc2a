"""Connections that are opened before a page renders are noticed, too.
"""
from contextlib import nullcontext

import pytest
import transaction
from ZPublisher.interfaces import IPubAfterTraversal
from ZPublisher.interfaces import IPubEnd

from ...core.reads.made_from import Answers
from ...core.reads.unknown import Unknown
from ...core.reads.unknown import Why
from ...reads.recording import unrecorded
from ...reads.thread import thread
from ..site import add_template
from ..site import set_policy
from .databases import client as client_of
from .databases import edit
from .databases import file_db
from .databases import make_commits
from .databases import record


class Opened:
    """A connection beside that of the request."""

    def __init__(self, database, **options):
        self.manager = transaction.TransactionManager()
        self.connection = database.open(self.manager, **options)

    def text(self):
        return self.connection.root()['Application'].site.folder.inner.text

    def close(self):
        self.manager.abort()
        self.connection.close()


def edited(site, client, path):
    client.get(path)
    client.get(path)
    site.folder.inner.text = 'new text'
    transaction.commit()
    return client.get(path)


@pytest.mark.parametrize('is_past', [False, True])
def test_by_a_script_before_it_calls_its_template(
        site, client, item, is_past):
    def run(self):
        """Be published."""
        database = self._p_jar.db()
        opened = Opened(database, **(
            {'at': database.lastTransaction()} if is_past else {}))
        self.REQUEST.set('shown', opened.text())
        opened.close()
        return self.called()
    item('run', run)
    add_template(
        site.portal_skins.custom, 'called',
        '<p tal:content="request/shown">text</p>')
    set_policy(site, etag="python: 'x'")
    answer = edited(site, client, '/site/doc/run')
    assert 'new text' in answer.text, answer.outcome


def show(site, item, read):
    item('show_it', lambda self: read())
    add_template(
        site.portal_skins.custom, 'shown',
        '<p tal:content="context/show_it">text</p>')
    set_policy(site, etag="python: 'x'")
    return '/site/doc/shown'


def test_after_traversal(site, client, item, subscribe):
    opened = []
    subscribe(lambda event: opened.append(Opened(
        event.request['PARENTS'][-1]._p_jar.db())), IPubAfterTraversal)
    subscribe(lambda event: opened and opened.pop().close(), IPubEnd)
    answer = edited(site, client, show(
        site, item, lambda: opened[-1].text()))
    assert 'new text' in answer.text, answer.outcome


@pytest.mark.parametrize('is_lost', [False, True])
@pytest.mark.parametrize('is_aside', [False, True])
def test_whatever_was_known_before(tmp_path, is_lost, is_aside):
    """A page that is good until the next commit is of known databases."""
    main, other = (file_db(tmp_path / f'{name}.fs') for name in 'ab')
    edit(main, a='a')
    edit(other, b='old')
    commits = make_commits()
    with client_of(main) as reader:
        recording = record(commits, reader)
        thread.recording = recording
        try:
            reader.root['a'].read()
            if is_lost:
                recording.lose(Why.TOO_MANY)
            with unrecorded() if is_aside else nullcontext():
                other.open(transaction.TransactionManager()).close()
        finally:
            thread.recording = None
        assert recording.made_from(Answers()) == Unknown(Why.OPENED)
    for database in main, other:
        database.close()
