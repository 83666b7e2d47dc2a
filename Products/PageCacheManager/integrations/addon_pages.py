"""Associations and policies for the views of Plone itself.

Some views are left out: they show more than their key can tell, or are no
pages:

- ``link_redirect_view`` redirects; ``@@download``, ``@@images``, feeds,
  ``event_listing_ical`` and ``sitemap.xml.gz`` give files.
- ``image_view_fullscreen`` links to the page that the visitor came from.
- ``edit``, ``login``, ``contact-info``, ``author`` and other forms hold the
  input of one visitor, and opening one may lock the content.
- ``folder_contents``, ``sharing``, ``historyview``, versions and previews
  are for editors, and change without a change of the content.
- Occurrences of an event have a path but no object: only the event changes,
  so its view is stored for events only.
"""

CONTENT_VIEWS = (
    ('document_view', ''),
    ('newsitem_view', ''),
    ('event_view', 'Event'),
    ('file_view', ''),
    ('image_view', ''),
)

LISTING_VIEWS = (
    ('listing_view', ''),
    ('summary_view', ''),
    ('tabular_view', ''),
    ('album_view', ''),
    ('full_view', ''),
    ('event_listing', ''),
    ('search', ''),
    ('sitemap', ''),
)

VIEWS = CONTENT_VIEWS + LISTING_VIEWS


def _is_one_of(views):
    names = tuple(name for name, _ in views)
    return f'view in {names!r}'


def _etag(secs, user=''):
    """Return an expression for user, modification time and period."""
    values = f'object.modified().timeTime(), int(time.timeTime() // {secs})'
    if not user:
        return f"python: '|%s|%s' % ({values})"
    return f"python: '%s|%s|%s' % ({user}, {values})"


#: Periods in ETags.  Content that becomes effective or expires by its date
#: is not changed by that.  It appears in listings up to five minutes late, in
#: navigation and portlets on other pages up to an hour late.
HOUR_SECS = 3600
LISTING_SECS = 300

# `member` of CMF costs ten times as much
_MEMBER = "request['AUTHENTICATED_USER'].getId()"
_ANONYMOUS = f'{_MEMBER} is None'

_ALL = {
    'mtime_func': 'object/modified', 'max_age_secs': 0, 'no_cache': 0,
    'no_store': 0, 'must_revalidate': 1, 'vary': '', 'enable_304s': 1}

# such a page may show other content, so no date covers all of it
_OTHER = {**_ALL, 'last_modified': 0}

#: Policies by name.  The first match counts, so the most frequent stand
#: first.  The last two are for all other pages of a manager: without
#: ``page_cache`` CMF would apply them to its filesystem templates, too.
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
