"""Explain and purge speak to the manager of a real Zope."""
import json

import pytest
import transaction

from ..site import set_policy


@pytest.fixture
def manager(zope, client):
    client.host = zope.removeprefix('http://').removesuffix('/site')
    return '--manager', f'{zope}/page_cache', '--user', 'root'


PAGE = '/site/doc/page'
INNER = '/site/folder/inner/page'


def fill(client):
    for path in PAGE, INNER:
        client.get(path)
        assert client.get(path).outcome == 'HIT'


def outcomes(client):
    return [client.get(path).outcome for path in (PAGE, INNER)]


# purge

@pytest.mark.parametrize('arguments, left', [
    ([], ['MISS', 'MISS']), (['/site/doc'], ['MISS', 'HIT']),
    (['/site/folder'], ['HIT', 'HIT']),
    (['/site/folder', '--below'], ['HIT', 'MISS']),
    (['/site/folder/', '--below'], ['HIT', 'MISS']),
    (['/site/portal_skins/custom/page'], ['MISS', 'MISS']),
    (['/', '--below'], ['MISS', 'MISS'])])
def test_purge(client, run, manager, arguments, left):
    fill(client)
    code, out, err = run('purge', *arguments, *manager)
    assert (code, err) == (0, '') and out.count('\n') == 1
    assert outcomes(client) == left


@pytest.mark.parametrize('name', ['purge', 'explain'])
def test_a_wrong_login(client, run, manager, name):
    fill(client)
    code, out, err = run(name, PAGE, *manager, password='wrong')
    assert (code, out) == (1, '')
    assert 'the manager answered 401 Unauthorized: is the login right' in err
    assert outcomes(client) == ['HIT', 'HIT']


@pytest.mark.parametrize('name', ['purge', 'explain'])
def test_a_wrong_manager(run, manager, name, zope):
    code, _, err = run(
        name, PAGE, '--manager', f'{zope}/other', *manager[2:])
    assert code == 1 and 'is --manager the URL of' in err


def test_who_may_look_only_purges_nothing(site, client, run, manager):
    site.manage_role('Member', ['View management screens'])
    transaction.commit()
    fill(client)
    code, _, err = run(
        'purge', *manager[:3], 'alice', password='alice')
    assert code == 1 and 'may this user do that' in err
    assert outcomes(client) == ['HIT', 'HIT']


def test_a_path_that_the_manager_does_not_take(client, run, manager):
    fill(client)
    code, _, err = run('purge', '/' + 'x' * 3000, *manager)
    assert code == 1 and 'the manager answered 200' in err


def test_no_server(run):
    code, _, err = run(
        'purge', '--manager', 'http://127.0.0.1:1/site/page_cache')
    assert code == 1 and 'pagecache purge: no answer: ' in err


# explain

def test_explain(client, run, manager):
    fill(client)
    code, out, err = run('explain', PAGE, *manager)
    assert (code, err) == (0, '')
    assert out.startswith('HIT: The cache would send the stored page.\n')
    assert '\nLast requests that Zope rendered\n' in out
    assert ', anonymous visitor, ' in out and ', MISS, ' in out
    assert '\nKey\n' in out and '  Content  ' in out
    assert 'all anonymous visitors' in out


def test_explain_a_reason_for_me(site, run, manager):
    set_policy(site, etag='python: member.getId() == "root" and 1 / 0')
    code, out, _ = run('explain', PAGE, *manager, '--visitor', 'me')
    assert code == 0
    assert out.startswith('BYPASS: ')
    assert '\nReason: policy-error. ' in out and '\nAction: Fix ' in out
    assert '\nFailure: ZeroDivisionError: division by zero\n' in out
    assert 'ZeroDivisionError' not in run('explain', PAGE, *manager)[1]


def test_explain_as_json(run, manager):
    code, out, _ = run('explain', PAGE, *manager, '--json')
    assert code == 0 and json.loads(out)['answer']['word'] == 'MISS'


@pytest.mark.parametrize('url, message', [
    ('/site/no', 'There is no page at this path.'),
    ('http://other.example/site', 'can explain only pages there')])
def test_explain_what_can_not_be_explained(run, manager, url, message):
    code, out, err = run('explain', url, *manager)
    assert (code, out) == (1, '') and message in err


def test_an_answer_of_something_else(server, run):
    server.answers['/manage_explainJSON?path=%2F&visitor=anonymous'] = (
        200, {}, b'[1]')
    code, _, err = run('explain', '/', '--manager', server.url)
    assert code == 1
    assert 'the answer is none of a Page Cache Manager' in err
