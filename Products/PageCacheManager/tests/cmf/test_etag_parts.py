"""The parts of an ETag that expressions call by name."""
import re
import time

import pytest
import transaction

from ...cmf import expressions
from ...cmf.etag_parts import Parts
from ..site import set_policy


PAGE = '/site/doc/page'


def tag(client, user=None):
    """Return the policy's part of the tag that is sent."""
    return re.fullmatch('"(.*)-[^-]*"', client.get(PAGE, user)['ETag'])[1]


@pytest.mark.parametrize('user, expected', [(None, ''), ('alice', 'alice')])
def test_user_and_hour(site, client, user, expected):
    set_policy(site, etag='string:${etag/user}|${etag/hour}')
    found, _, hour = tag(client, user).partition('|')
    assert found == expected
    assert abs(int(hour) - time.time() / 3600) <= 1


def test_roles(site, client):
    set_policy(site, etag="python: etag.roles().replace(' ', '+')")
    assert tag(client) == 'Anonymous'
    assert tag(client, 'alice') == 'Authenticated+Member'
    site.doc.manage_setLocalRoles('alice', ['Owner'])
    transaction.commit()
    assert tag(client, 'alice') == 'Authenticated+Member+Owner'


def test_modified_is_that_of_the_content(site, client):
    set_policy(site, etag='etag/modified')
    assert tag(client) == str(site.doc.modified().timeTime())
    # a folder that does not say so
    assert Parts(site.aq_parent).modified() == ''


def test_period(site, client):
    set_policy(site, etag='python: etag.period(300)')
    assert abs(int(tag(client)) - time.time() / 300) <= 1


@pytest.mark.parametrize('secs', [0, -1, 0.5])
def test_a_period_of_less_than_a_second_is_refused(secs):
    with pytest.raises(ValueError, match=f'{secs} s is less than a second'):
        Parts(None).period(secs)


def test_catalog(site):
    class Catalog:
        def getCounter(self):
            return 42

    assert Parts(site).catalog() == ''
    site.portal_catalog = Catalog()
    try:
        assert Parts(site).catalog() == '42'
    finally:
        del site.portal_catalog


def test_they_are_made_only_where_a_policy_names_them(
        site, client, monkeypatch):
    made = []
    monkeypatch.setattr(expressions, 'Parts', made.append)
    client.get(PAGE)
    assert not made
    set_policy(site, etag='string:etag')
    client.get(PAGE)
    assert len(made) == 1


def test_nothing_private_is_to_be_had(site, client):
    set_policy(site, etag='etag/_content')
    assert client.get(PAGE)['Cache-Status'].endswith('detail=policy-error')
