"""The contract of every page store: one set of tests for all of them."""
from Products.PageCacheManager.core.page import Page


KEY = (
    '/site/portal_skins/content/document_view',
    '/site/document',
    'http://www.example.org/document',
    ('', 'en', 'member'),
    ('"tag"', 'generation', 'serial'))

#: Keys that would be equal to `KEY` if a part were left out of it, or if
#: the parts were joined.
FOREIGN_KEYS = [
    ('/site/other', *KEY[1:]),
    (KEY[0], '/site/other', *KEY[2:]),
    (*KEY[:2], 'http://www.example.org/other', *KEY[3:]),
    (*KEY[:3], ('', 'de', 'member'), KEY[4]),
    (*KEY[:3], ('', 'enmember'), KEY[4]),
    (*KEY[:3], ('', 'en'), ('member', *KEY[4])),
    (*KEY[:4], ('"other"', 'generation', 'serial')),
    (*KEY[:4], ('"tag"', 'generationserial')),
    (KEY[0] + KEY[1], '', *KEY[2:]),
]


def make_page(body=b'<p>page</p>', **parts):
    """Return a page with a different value in every field."""
    values = {
        'body': body,
        'codings': (('gzip', b'\x1f\x8b\x00'),),
        'headers': (
            ('content-type', 'text/html; charset=utf-8'),
            ('content-language', 'en'),
            ('x-title', 'Gr\xfc\xdfe \u2192')),
        'modified': 1_600_000_000,
        'created': 1_700_000_000.25,
        'varies': ('accept-language', 'x-theme'),
        'absent_cookies': ('consent', 'theme'),
        'max_age_secs': 500,
    } | parts
    # its sources are known in one process only
    missing = set(Page._fields) - set(values) - {'made_from'}
    assert not missing, f'no value for {missing}'
    return Page(**values)


class StoreContract:
    """Tests of any store.  Subclass it, and name the class ``Test...``."""

    #: Makes the pages that the store is given.
    page = staticmethod(make_page)

    def make_store(self):
        """Return an empty store with room for a hundred small pages.

        If it uses a clock, the time is near ``make_page().created``.
        """
        raise NotImplementedError

    def plant_foreign(self, store, key):
        """Put a value that is no page of `key` in the place of that page."""
        raise NotImplementedError

    def test_get_when_absent_gives_none(self):
        assert self.make_store().get(KEY) is None

    def test_get_after_set_gives_an_equal_page(self):
        store = self.make_store()
        assert store.set(KEY, self.page()) is True
        found = store.get(KEY)
        assert found == self.page()
        assert type(found) is Page

    def test_get_with_an_equal_key_made_anew(self):
        store = self.make_store()
        store.set(KEY, self.page())
        again = tuple(
            ''.join(list(part)) if isinstance(part, str) else tuple(list(part))
            for part in KEY)
        assert again is not KEY
        assert store.get(again) == self.page()

    def test_get_of_a_page_of_empty_parts(self):
        store = self.make_store()
        page = self.page(codings=(), headers=(), varies=())
        store.set(KEY, page)
        assert store.get(KEY) == page

    def test_get_of_a_signpost(self):
        store = self.make_store()
        page = self.page(b'', codings=(), headers=())
        store.set(KEY, page)
        assert store.get(KEY) == page
        assert store.get(KEY).is_signpost

    def test_get_of_a_body_of_all_bytes(self):
        store = self.make_store()
        body = bytes(range(256)) * 40
        store.set(KEY, self.page(body))
        assert store.get(KEY).body == body

    def test_get_with_a_foreign_key_is_a_miss(self):
        for foreign in FOREIGN_KEYS:
            store = self.make_store()
            store.set(foreign, self.page(b'foreign'))
            assert store.get(KEY) is None, foreign
            assert store.get(foreign) == self.page(b'foreign')

    def test_get_of_a_foreign_value_is_a_miss(self):
        store = self.make_store()
        self.plant_foreign(store, KEY)
        assert store.get(KEY) is None

    def test_set_again_replaces(self):
        store = self.make_store()
        store.set(KEY, self.page(b'first'))
        assert store.set(KEY, self.page(b'second', codings=())) is True
        assert store.get(KEY) == self.page(b'second', codings=())

    def test_set_of_many_keeps_them_apart(self):
        store = self.make_store()
        pages = {
            (*KEY[:2], f'{KEY[2]}/{number}', *KEY[3:]):
                self.page(b'page %d' % number)
            for number in range(50)}
        for key, page in pages.items():
            assert store.set(key, page) is True
        assert {key: store.get(key) for key in pages} == pages
