"""Serves the Plone sites over HTTP, in a process of its own."""
import sys
from pathlib import Path

import plonesite
import served
from plonesite import OURS

from Products.PageCacheManager.tests.plone.client import PloneClient


def apps(home, threads):
    """Return the WSGI applications by name: Zope, without and with the lane.
    """
    from ZPublisher.httpexceptions import HTTPExceptionHandler

    from Products.PageCacheManager.fastlane.filter import FastLane

    app = plonesite.start(home, threads)
    client = PloneClient(f'/{OURS}')
    for name, user in ('floor', None), ('floor_of_member', 'bob'):
        headers = {'COOKIE': client.log_in(user)} if user else {}
        for _ in range(3):
            page = client.get('/a-document', **headers)
        assert page.outcome == 'HIT', page.lines
        plonesite.add_floor(name, served.without_date(page))
    return {
        'zope': HTTPExceptionHandler(app),
        'lane': HTTPExceptionHandler(FastLane(app)),
    }


if __name__ == '__main__':
    served.serve(Path(sys.argv[1]), int(sys.argv[2]), apps)
