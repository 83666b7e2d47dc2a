"""Associations and policies for the views of Plone itself.

Some views are left out.  They depend on more than their key has, or they are
not pages:

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

VIEWS = (
    ('document_view', ''),
    ('newsitem_view', ''),
    ('event_view', 'Event'),
    ('file_view', ''),
    ('image_view', ''),
    ('listing_view', ''),
    ('summary_view', ''),
    ('tabular_view', ''),
    ('album_view', ''),
    ('full_view', ''),
    ('event_listing', ''),
    ('search', ''),
    ('sitemap', ''),
)

#: The period of the ETags.  It is the maximum delay of content that does not
#: come from the database.
PERIOD_SECS = 3600

# `member` of CMF costs ten times as much
_MEMBER = "request['AUTHENTICATED_USER'].getId()"
_PERIOD = f'int(time.timeTime() // {PERIOD_SECS})'

_ALL = {
    # some objects are not content, and have no date
    'mtime_func': 'object/modified | nothing', 'max_age_secs': 0,
    'no_cache': 0, 'no_store': 0, 'must_revalidate': 1, 'vary': '',
    'enable_304s': 1}

#: Policies by name.  The first one that fits counts.  They are only for pages
#: of a manager: without ``page_cache`` in the predicate CMF would apply them
#: to its filesystem templates, too.
POLICIES = {
    'page_cache_visitors': {
        **_ALL,
        'predicate': f"python: {_MEMBER} is None and exists('page_cache')",
        'etag_func': f"python: '|%s' % {_PERIOD}"},
    'page_cache_members': {
        **_ALL,
        'predicate': 'exists:page_cache',
        'etag_func': f"python: '%s|%s' % ({_MEMBER}, {_PERIOD})",
        'private': 1},
}

#: Digests of the policies of earlier profiles, as they were added.
FORMER_POLICIES = {
    'page_cache_content': 'f60c429ae7ca57c9',
    'page_cache_content_members': 'cdcc6bca72a7b012',
    'page_cache_listings': '0dc11f6beceaeb22',
    'page_cache_listings_members': '8dee1212cec23771',
    'page_cache_other': '32877f02732d3edc',
    'page_cache_other_members': 'c4e718f5b736d4ed',
}
