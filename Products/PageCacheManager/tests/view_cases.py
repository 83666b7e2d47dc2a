"""Common parts of the tests of views."""
import transaction

from .site import set_policy


#: Tells contents and views apart, and nothing else.
ETAG = 'python: "%s|%s" % (object.getId(), view)'

#: The views of the test site that are associated.
VIEWS = (
    'v-counting', 'v-by-method', 'v-listing', 'v-with-index', 'v-writing',
    'v-streaming',
    'v-managers-only', 'v-acting', 'v-arguments', 'v-traversing',
    'v-by-template', 'v-template-alone', 'v-plain', 'v-note',
    'v-of-pages', 'v-of-view', 'v-two-templates', 'v-own')

ACTING = '/site/doc/v-acting'
COUNTING = '/site/doc/v-counting'


def associate(site, *rows):
    """Associate these views and no others, and commit."""
    site.page_cache.manage_editViews(
        [(row,) if isinstance(row, str) else row for row in rows])
    transaction.commit()


def set_up(site):
    """Associate most of the views, and give all content an ETag."""
    set_policy(site, etag=ETAG, last_modified=0)
    associate(site, *VIEWS)


def twice(client, path, user=None, **headers):
    """Return two answers to the same question."""
    return [client.get(path, user, **headers) for _ in range(2)]


def outcomes(client, path, user=None, **headers):
    return [answer.outcome for answer in twice(client, path, user, **headers)]


def reason(answer):
    """Return our own word for the outcome of a request."""
    return answer['Cache-Status'].partition('detail=')[2]


def is_idle(cache):
    """Return whether no request leads a flight or waits for one."""
    return not cache.flights._flights and not cache.flights.waiting
