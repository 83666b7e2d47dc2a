"""Comments show at once to all users, if plone.app.discussion is there."""
import pytest
import transaction
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.component.hooks import setSite

from .changes import edit
from .changes import post
from .changes import submit
from .freshness import Freshness


conversation = pytest.importorskip('plone.app.discussion.interfaces')

SETTINGS = f'{conversation.__name__}.IDiscussionSettings.'
SWITCHED_ON = (
    'globally_enabled', 'anonymous_comments', 'edit_comment_enabled',
    'delete_own_comment_enabled')


@pytest.fixture
def fresh(portal, client, page_cache):
    """A document with comments, as members and visitors see it."""
    portal.portal_setup.runAllImportStepsFromProfile(
        'plone.app.discussion:default')
    setSite(portal)
    for name in SWITCHED_ON:
        getUtility(IRegistry)[SETTINGS + name] = True
    portal['a-document'].allow_discussion = True
    transaction.commit()
    fresh = Freshness(client, page_cache, ['/a-document', '/a-folder'],
                      (None, 'bob', 'root'))
    fresh.warm()
    return fresh


def comment(client, text, user=None):
    answer = submit(client, '/a-document', user, 'form.buttons.comment', {
        'form.widgets.text': text,
        **({} if user else {'form.widgets.author_name': 'Zoe'})})
    assert answer.status == 302


def paths(portal):
    portal._p_jar.sync()
    setSite(portal)
    return [f'/a-document/++conversation++default/{name}' for name in
            conversation.IConversation(portal['a-document'])]


def is_seen(client, text):
    return [text in client.get('/a-document', user).text
            for user in (None, 'bob', 'root')]


def test_comment_is_seen_at_once(portal, client, fresh):
    comment(client, 'Well said')
    assert fresh.after()
    assert is_seen(client, 'Well said') == [True] * 3


def test_comment_that_was_edited_is_seen_at_once(portal, client, fresh):
    comment(client, 'Well said')
    fresh.warm()
    submit(client, f'{paths(portal)[0]}/@@edit-comment', 'root',
           'form.buttons.comment', {'form.widgets.text': 'Well put'})
    assert len(fresh.after()) == 3
    assert is_seen(client, 'Well put') == [True] * 3


@pytest.mark.parametrize(('view', 'user'), [
    ('@@moderate-delete-comment', 'root'), ('@@delete-own-comment', 'bob')])
def test_comment_that_was_deleted_is_gone_at_once(
        portal, client, fresh, view, user):
    comment(client, 'Well said', 'bob')
    fresh.warm()
    post(client, f'{paths(portal)[0]}/{view}', {}, user)
    assert len(fresh.after()) == 3
    assert is_seen(client, 'Well said') == [False] * 3


def test_comments_that_were_deleted_together_are_gone_at_once(
        portal, client, fresh):
    for text in 'Well said', 'Well put':
        comment(client, text)
    fresh.warm()
    post(client, '/bulk-actions', [
        ('form.select.BulkAction', 'delete'),
        *(('paths:list', f'/plone{path}') for path in paths(portal))])
    assert len(fresh.after()) == 3
    assert is_seen(client, 'Well') == [False] * 3


def test_comment_that_was_moderated_is_seen_at_once(portal, client, fresh):
    setSite(portal)
    portal.portal_workflow.setChainForPortalTypes(
        ('Discussion Item',), ('comment_review_workflow',))
    comment(client, 'Well said')
    fresh.after()
    assert is_seen(client, 'Well said') == [False, False, True]
    fresh.warm()
    post(client, f'{paths(portal)[0]}/@@transmit-comment',
         {'workflow_action': 'publish'})
    assert fresh.after()
    assert is_seen(client, 'Well said') == [True] * 3


def test_comments_that_are_closed_show_no_form(portal, client, fresh):
    edit('/a-document', **{
        'form.widgets.IAllowDiscussion.allow_discussion:list': ['False']})(
        client, portal)
    assert ('/a-document', None) in fresh.after()
    assert is_seen(client, 'form.buttons.comment') == [False] * 3
