"""A write of an object is a change, also if its record stays the same."""
import pytest
import transaction
from persistent.mapping import PersistentMapping
from ZODB.blob import Blob
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from ..site import add_template
from ..site import set_policy
from .databases import client as database_client
from .databases import heard_and_changed
from .databases import make_commits
from .databases import record
from .databases import stopped


PATH = '/site/doc/shown'


@pytest.fixture
def check(site, client, item):
    """See that a page of what `read` returns is new after a change."""
    def run(read, change):
        item('show_it', read)
        add_template(
            site.portal_skins.custom, 'shown',
            '<p tal:content="context/show_it">text</p>')
        set_policy(site, etag="python: 'x'")
        client.get(f'{PATH}?another')  # loads all, and fills _v_ attributes
        client.get(PATH)
        assert client.get(PATH).outcome == 'HIT'
        change()
        transaction.commit()
        answer, fresh = client.get(PATH), client.get(f'{PATH}?fresh')
        assert answer.text == fresh.text, answer.outcome
    return run


def test_a_blob_that_is_written_again(tmp_path):
    database = DB(FileStorage(
        str(tmp_path / 'Data.fs'), blob_dir=str(tmp_path / 'blobs')))
    commits = make_commits()
    with database_client(database) as writer, (
            database_client(database)) as reader:
        writer.root['blob'] = Blob(b'old')
        writer.commit()
        commits.listen(reader.connection)
        reader.begin()
        recording = record(commits, reader)
        with reader.root['blob'].open() as file:
            assert file.read() == b'old'
        objects = stopped(recording)
        writer.begin()
        with writer.root['blob'].open('w') as file:
            file.write(b'new')
        writer.commit()
        reader.begin()
        with reader.root['blob'].open() as file:
            assert file.read() == b'new'
        assert heard_and_changed(commits, objects, reader) is not None
    database.close()


def test_an_object_that_is_touched_to_drop_what_it_keeps_in_memory(
        site, check):
    """``_p_changed = 1`` is how code empties ``_v_`` in all connections."""
    def read(self):
        folder = self.aq_parent.folder
        if getattr(folder.aq_base, '_v_text', None) is None:
            folder.aq_base._v_text = folder.inner.text
        return folder.aq_base._v_text

    def change():
        site.folder.inner.text = 'new text'
        site.folder.aq_base._v_text = None
        site.folder._p_changed = True
    for _ in range(2):  # from now on it has the same record each time
        site.folder._p_changed = True
        transaction.commit()
    check(read, change)


def test_the_date_of_an_object_that_is_saved_as_it_was(site, check):
    def change():
        site.folder.inner.text = site.folder.inner.text
    change()
    transaction.commit()
    check(lambda self: repr(self.aq_parent.folder.inner._p_mtime), change)


def test_order_of_a_mapping_with_a_time_of_login(site, check):
    site.doc.names = PersistentMapping(login_time=1, a=1, b=2)

    def change():
        site.doc.aq_base.names['a'] = site.doc.aq_base.names.pop('a')
    check(lambda self: repr(list(self.aq_base.names)), change)
