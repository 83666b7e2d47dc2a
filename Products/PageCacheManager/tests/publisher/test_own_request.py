"""The same GET once more, without a client."""
from types import SimpleNamespace

import pytest
import transaction
from zExceptions import NotFound

from ...publisher import own_request
from ...publisher.own_request import environ_of


def request(came, **environ):
    return SimpleNamespace(_orig_env=came, environ=environ)


def test_what_belongs_to_one_request_is_left_out():
    came = {
        'REQUEST_METHOD': 'GET', 'PATH_INFO': '/page', 'QUERY_STRING': 'a=b',
        'HTTP_COOKIE': 'a=b', 'HTTP_AUTHORIZATION': 'Basic eA==',
        'HTTP_IF_NONE_MATCH': '"x"', 'HTTP_IF_MODIFIED_SINCE': 'x',
        'HTTP_IF_RANGE': 'x', 'HTTP_RANGE': 'bytes=0-1',
        'CONTENT_LENGTH': '0', 'wsgi.input': object(),
        'REMOTE_USER': 'whom the publisher found',
        'Products.PageCacheManager.ticket': object()}
    assert environ_of(request(came)) == {
        'REQUEST_METHOD': 'GET', 'PATH_INFO': '/page', 'QUERY_STRING': 'a=b',
        'HTTP_COOKIE': 'a=b', 'HTTP_AUTHORIZATION': 'Basic eA=='}


def test_a_user_of_the_server_stays():
    found = environ_of(request({'REMOTE_USER': 'x'}, REMOTE_USER='y'))
    assert found['REMOTE_USER'] == 'y'


def test_the_path_is_spelled_as_servers_do():
    found = environ_of(request({'PATH_INFO': '/bl\xe4tter/\u20ac'}))
    assert found['PATH_INFO'].encode('latin-1').decode('utf-8') == (
        '/bl\xe4tter/\u20ac')


def test_the_session_of_a_filter_is_not_used():
    assert environ_of(request({'beaker.session': object()})) is None
    assert environ_of(request({'Shib-Session-ID': 'x'})) is not None


def environ(path, **more):
    return {
        'REQUEST_METHOD': 'GET', 'SERVER_PROTOCOL': 'HTTP/1.1',
        'SERVER_NAME': 'localhost', 'SERVER_PORT': '8080', 'SCRIPT_NAME': '',
        'PATH_INFO': path, 'QUERY_STRING': '', 'wsgi.url_scheme': 'http',
        **more}


class Nobody:
    """The maker of a request that leads to no page of ours."""

    def __init__(self, may_commit=False):
        self.may_commit = may_commit


def test_the_status_of_a_page_and_of_an_error(site):
    transaction.commit()
    assert own_request.publish(Nobody(), environ('/site/doc/getId')) == 404
    assert own_request.publish(Nobody(), environ('/site/manage_main')) == 401


def test_another_error_is_raised(site, item):
    def fail(self):
        """Fail."""
        raise RuntimeError('provoked')
    item('fail', fail)
    transaction.commit()
    with pytest.raises(RuntimeError):
        own_request.publish(Nobody(), environ('/site/doc/fail'))


def test_code_can_not_commit(site, item):
    tried = []

    def write(self):
        """Write."""
        self.written = 'yes'
        for _ in range(2):
            with pytest.raises(own_request.Refused):
                transaction.commit()
            transaction.abort()
            tried.append(transaction.get())
            self.written = 'yes'
        raise NotFound
    item('write', write)
    transaction.commit()
    assert own_request.publish(Nobody(), environ('/site/doc/write')) == 404
    assert len(tried) == 2
    transaction.abort()
    assert not hasattr(site.doc, 'written')
    # the thread may commit afterwards
    site.doc.written = 'later'
    transaction.commit()
    assert site.doc.written == 'later'


@pytest.mark.parametrize('may_commit', [False, True])
def test_no_change_is_committed(site, item, may_commit):
    def write(self):
        """Write."""
        self.written = 'yes'
        return 'written'
    item('write', write)
    transaction.commit()
    maker = Nobody(may_commit)
    if may_commit:
        with pytest.raises(own_request.Refused):
            own_request.publish(maker, environ('/site/doc/write'))
    else:
        assert own_request.publish(maker, environ('/site/doc/write')) == 200
    transaction.abort()
    assert not hasattr(site.doc, 'written')


@pytest.mark.parametrize('may_commit', [False, True])
def test_what_changed_nothing_is_committed_if_it_may(
        site, item, may_commit):
    committed = []

    def read(self):
        """Read."""
        transaction.get().addAfterCommitHook(committed.append)
        return 'read'
    item('read', read)
    transaction.commit()
    assert own_request.publish(
        Nobody(may_commit), environ('/site/doc/read')) == 200
    assert committed == [True] * may_commit
