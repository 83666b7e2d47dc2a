"""The last requests that were not answered from memory."""
from ....core.report.journal import MAX_ENTRIES
from ....core.report.journal import MAX_LENGTH
from ....core.report.journal import Changed
from ....core.report.journal import Entry
from ....core.report.journal import Journal


PAGE = '/page', '/doc', 'http://h/doc/page'


def entry(at=0.0, page=PAGE, detail='', **values):
    return Entry(**{
        'at': at, 'page': page, 'user': '', 'word': 'MISS', 'detail': detail,
        'dropped': None, 'parts': (), **values})


def test_the_newest_come_first():
    journal = Journal()
    for at in 1, 2, 3:
        journal.note(entry(at))
    assert [one.at for one in journal.entries()] == [3, 2, 1]


def test_the_oldest_go():
    journal = Journal()
    for at in range(MAX_ENTRIES + 10):
        journal.note(entry(at))
    found = [one.at for one in journal.entries()]
    assert (len(found), found[-1]) == (MAX_ENTRIES, 10)


def test_entries_of_a_page_under_any_url():
    journal = Journal()
    journal.note(entry(1))
    journal.note(entry(2, page=(*PAGE[:2], 'http://h/doc/page?a=1')))
    journal.note(entry(3, page=('/page', '/other', PAGE[2])))
    assert [one.at for one in journal.of_page(PAGE)] == [2, 1]


def test_entries_of_a_reason():
    journal = Journal()
    for at, detail in enumerate(['', 'cookie a', 'cookie b', 'cookie a']):
        journal.note(entry(at, detail=detail))
    assert [one.at for one in journal.of_reason('cookie a')] == [3, 1]


def test_what_clients_choose_is_cut():
    journal = Journal()
    long = 'x' * 10_000
    page = (f'/{long}', long, f'http://h/{long}')
    journal.note(entry(
        page=page, user=long, detail=long, dropped=long))
    found, = journal.of_page(page)
    assert {len(text) for text in (
        *found.page, found.user, found.detail, found.dropped)} == {MAX_LENGTH}


def test_an_object_that_changed_is_kept_as_it_is():
    journal = Journal()
    changed = Changed('main', b'\0' * 8)
    journal.note(entry(dropped=changed))
    assert journal.entries()[0].dropped is changed


def test_the_mean_of_renders_of_pages_that_are_kept():
    journal = Journal()
    assert journal.mean_secs() is None
    journal.note(entry(word='BYPASS', secs=9.0))
    journal.note(entry())  # it is not known how long it took
    assert journal.mean_secs() is None
    for secs in 0.2, 0.4:
        journal.note(entry(secs=secs))
    assert abs(journal.mean_secs() - 0.3) < 1e-9


def test_reset():
    journal = Journal()
    journal.note(entry(word='MISS', secs=2.0))
    journal.reset()
    assert len(journal.entries()) == 1
    assert journal.mean_secs() is None
