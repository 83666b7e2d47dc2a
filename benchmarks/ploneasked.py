"""The pages of the Plone site that are asked for, and by whom."""

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

#: Paths, and members or None.
PAGES = (*((path, None) for path in _ANONYMOUS), *_OF_MEMBERS)
