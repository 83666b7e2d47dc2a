"""Which of Plone's own views are kept, what they show, and by which policies.

Left out is what shows more than its key can tell, or is no page:

- ``link_redirect_view`` redirects; ``@@download``, ``@@images``, feeds,
  ``event_listing_ical`` and ``sitemap.xml.gz`` give files.
- ``image_view_fullscreen`` links to the page that the visitor came from.
- ``edit``, ``login``, ``contact-info``, ``author`` and other forms hold what
  one visitor typed, and opening one may lock the content.
- ``folder_contents``, ``sharing``, ``historyview``, versions and previews
  are for editors at work, and change without a change of the content.
- Occurrences of an event have a path and no object: what changes is the
  event, so its view is kept for events alone.
"""

_COLLECTION = (
    'plone.app.contenttypes.behaviors.collection.ISyndicatableCollection')

CONTENT_VIEWS = (
    ('document_view', '', 'item'),
    ('newsitem_view', '', 'item'),
    ('event_view', 'Event', 'item'),
    ('file_view', '', 'item'),
    ('image_view', '', 'item'),
)

#: These show what stands in a folder, or what a query finds.
_OF_FOLDERS = ('listing_view', 'summary_view', 'tabular_view', 'album_view')

LISTING_VIEWS = (
    # the first that fits counts: folders may be given a query
    *((name, _COLLECTION, 'site') for name in _OF_FOLDERS),
    *((name, 'Folder', 'folder') for name in _OF_FOLDERS),
    *((name, '', 'site') for name in _OF_FOLDERS),
    # it shows the children as their own views do, folders' listings as well
    ('full_view', '', 'site'),
    # from folders below as well
    ('event_listing', '', 'site'),
    ('search', '', 'site'),
    ('sitemap', '', 'site'),
)

VIEWS = CONTENT_VIEWS + LISTING_VIEWS


def _is_one_of(views):
    names = tuple(dict.fromkeys(name for name, _, _ in views))
    return f'view in {names!r}'


def _etag(secs, user=''):
    """Return an expression: modification time and period, for a user."""
    values = f'object.modified().timeTime(), int(time.timeTime() // {secs})'
    if not user:
        return f"python: '|%s|%s' % ({values})"
    return f"python: '%s|%s|%s' % ({user}, {values})"


#: What is published, or expires, by its date is told by no change.  On the
#: pages of other content it shows in navigation and portlets, up to an hour
#: late; where it is listed five minutes late.
HOUR_SECS = 3600
LISTING_SECS = 300

# what CMF gives as `member` costs ten times as much
_MEMBER = "request['AUTHENTICATED_USER'].getId()"
_ANONYMOUS = f'{_MEMBER} is None'

_ALL = {
    'mtime_func': 'object/modified', 'max_age_secs': 0, 'no_cache': 0,
    'no_store': 0, 'must_revalidate': 1, 'vary': '', 'enable_304s': 1}

# what else such a page shows nobody knows, so no date tells of all of it
_OTHER = {**_ALL, 'last_modified': 0}

#: Policies by name.  The first that fits is taken: those that are asked for
#: most stand first.  The last two are for whatever else a manager keeps: CMF
#: asks its policies for filesystem templates too, which are to stay alone.
POLICIES = {
    'page_cache_content': {
        **_ALL,
        'predicate': f'python: {_ANONYMOUS} and {_is_one_of(CONTENT_VIEWS)}',
        'etag_func': _etag(HOUR_SECS)},
    'page_cache_content_members': {
        **_ALL,
        'predicate': f'python: {_is_one_of(CONTENT_VIEWS)}',
        'etag_func': _etag(HOUR_SECS, _MEMBER),
        'private': 1},
    'page_cache_listings': {
        **_ALL,
        'predicate': f'python: {_ANONYMOUS} and {_is_one_of(LISTING_VIEWS)}',
        'etag_func': _etag(LISTING_SECS)},
    'page_cache_listings_members': {
        **_ALL,
        'predicate': f'python: {_is_one_of(LISTING_VIEWS)}',
        'etag_func': _etag(LISTING_SECS, _MEMBER),
        'private': 1},
    'page_cache_other': {
        **_OTHER,
        'predicate': f"python: {_ANONYMOUS} and exists('page_cache')",
        'etag_func': _etag(LISTING_SECS)},
    'page_cache_other_members': {
        **_OTHER,
        'predicate': 'exists:page_cache',
        'etag_func': _etag(LISTING_SECS, _MEMBER),
        'private': 1},
}
