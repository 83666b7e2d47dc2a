"""Changes by the screens of each add-on.

Each change is a function of a client and the site, as in `plonechanges`.
"""
from addonfilled import PLAIN
from lxml import html
from plone.app.discussion.interfaces import IConversation
from plonechanges import delete
from zope.component.hooks import setSite

from Products.PageCacheManager.tests.plone.changes import dublin
from Products.PageCacheManager.tests.plone.changes import edit
from Products.PageCacheManager.tests.plone.changes import panel
from Products.PageCacheManager.tests.plone.changes import post
from Products.PageCacheManager.tests.plone.changes import posted
from Products.PageCacheManager.tests.plone.changes import submit
from Products.PageCacheManager.tests.plone.changes import text
from Products.PageCacheManager.tests.plone.changes import widgets


def sent(path, button, user='root', **form):
    """Return a function that fills in the form at `path` and sends it."""
    def change(client, portal):
        answer = submit(client, path, user, button, form)
        assert answer.status in (200, 302), answer.status
        assert not errors(answer.text), errors(answer.text)
    return change


def errors(text):
    """Return the error messages of the fields of a form."""
    page = html.fromstring(f'<div>{text}</div>')
    return [one.text_content().strip()
            for one in page.find_class('invalid-feedback')]


# plone.app.iterate

WORKING_COPY = '/copy_of_original'


# plone.app.discussion

COMMENTED = '/commented'


def comment(text):
    def change(client, portal):
        answer = submit(client, COMMENTED, None, 'form.buttons.comment', {
            'form.widgets.text': text, 'form.widgets.author_name': 'Zoe'})
        assert answer.status == 302
    return change


def of_last_comment(view, **form):
    """Return a function that sends a form of the last comment."""
    def change(client, portal):
        portal._p_jar.sync()
        setSite(portal)
        name = [*IConversation(portal.commented)][-1]
        path = f'{COMMENTED}/++conversation++default/{name}/{view}'
        if 'button' in form:
            answer = submit(client, path, 'root', form['button'], {
                'form.widgets.text': form['text']})
            assert answer.status == 302
        else:
            post(client, path, form)
    return change


# collective.collectionfilter

KEYWORDS = '/filtered/++contextportlets++plone.rightcolumn/keywords/edit'


# eea.facetednavigation

CONFIGURE = '/faceted/@@faceted_configure'


def criterion(number, **form):
    """Return a function that sends a form for criterion `number`, from 0."""
    def change(client, portal):
        from eea.facetednavigation.interfaces import ICriteria

        portal._p_jar.sync()
        setSite(portal)
        name = [*ICriteria(portal.faceted).keys()][number]
        post(client, CONFIGURE, {
            key.replace('ID', name): value.replace('ID', name)
            for key, value in form.items()})
    return change


# plone.app.mosaic

def layout(old, new):
    """Return a function that saves the page with another layout."""
    def change(client, portal):
        portal._p_jar.sync()
        page = portal.tiles
        assert old in page.customContentLayout
        sent('/tiles/edit', 'form.buttons.save', **widgets(**{
            'ILayoutAware.customContentLayout':
            page.customContentLayout.replace(old, new)}))(client, portal)
    return change


# collective.workspace

ROSTER = '/team/@@edit-roster'


CHANGES = {
    'plone.app.iterate': {
        'checked out': sent(
            '/original/@@content-checkout', 'form.button.Checkout'),
        'working copy edited': edit(WORKING_COPY, 'root', **{
            'form.widgets.IDublinCore.title': 'Another name',
            'form.widgets.IRichTextBehavior.text': '<p>Quite another</p>'}),
        'checked in': sent(
            f'{WORKING_COPY}/@@content-checkin', 'form.button.Checkin'),
        'checked out again': sent(
            '/original/@@content-checkout', 'form.button.Checkout'),
        'check-out cancelled': sent(
            f'{WORKING_COPY}/@@content-cancel-checkout',
            'form.button.Cancel'),
    },
    'plone.app.discussion': {
        'comment added, not published': comment('Well said'),
        'comment published': of_last_comment(
            '@@transmit-comment', workflow_action='publish'),
        'comment edited': of_last_comment(
            '@@edit-comment', button='form.buttons.comment',
            text='Very well said'),
        'comment deleted': of_last_comment('@@moderate-delete-comment'),
        'comments closed': edit(COMMENTED, 'root', **{
            'form.widgets.IAllowDiscussion.allow_discussion:list': 'False'}),
    },
    'collective.easyform': {
        'field added': sent(
            '/contact/fields/@@add-field', 'form.buttons.add', **widgets(
                title='Phone', __name__='phone')),
        'label of a field': sent(
            '/contact/fields/comments/@@edit', 'form.buttons.save', **{
                'form.widgets.title': 'What you want to say'}),
        'field removed': posted('/contact/fields/phone/@@delete'),
        'label of the button': edit('/contact', 'root', **{
            'form.widgets.submitLabel': 'Send it'}),
    },
    'collective.glossary': {
        'definition of a term': edit('/glossary/anchor', 'root', **{
            'form.widgets.definition': '<p>Holds a ship</p>'}),
        'term added': sent('/glossary/++add++Term', 'form.buttons.save', **{
            'form.widgets.title': 'Dock'}),
        'term removed': delete('/glossary/buoy'),
        'setting': panel('/@@glossary-settings', **widgets(
            maximum_without_az_toolbar='1')),
    },
    'collective.collectionfilter': {
        'title of the filter': sent(KEYWORDS, 'form.buttons.apply', **{
            'form.widgets.header': 'By keyword'}),
        'counts off': sent(KEYWORDS, 'form.buttons.apply', **{
            'form.widgets.show_count:list': ()}),
        'keyword of a document': dublin(
            '/notes/note-2', subjects='Lamps'),
        'grouped by another index': sent(KEYWORDS, 'form.buttons.apply', **{
            'form.widgets.group_by:list': 'Type'}),
    },
    'eea.facetednavigation': {
        'criterion added': posted(CONFIGURE, **{
            'addPropertiesWidget_button': 'Save', 'wtype': 'text',
            'wposition': 'left', 'wsection': 'default',
            'faceted.c0.title': 'In the text',
            'faceted.c0.index': 'SearchableText'}),
        'title of a criterion': criterion(0, **{
            'updateCriterion_button': 'Save', 'cid': 'ID',
            'faceted.ID.title': 'Look here'}),
        'document added': sent(
            '/faceted/++add++Document', 'form.buttons.save', **widgets(**{
                'IDublinCore.title': 'A newcomer'})),
        'criterion removed': criterion(0, **{
            'deleteWidget_button': 'Delete', 'path': 'ID'}),
    },
    'plone.app.mosaic': {
        'text in the layout': layout('Written into', 'Put into'),
        'text of content that a tile shows': text(
            '/shown', '<p>Another text</p>'),
        'title of content that a tile shows': dublin(
            '/shown', title='Shown as ever'),
        'layout of many pages': posted('/@@layouts-editor', **{
            'action': 'save', 'name': 'custom/plain.html',
            'layout': PLAIN.replace('The same', 'Not the same')}),
        'tile replaced': layout('@@plone.app.standardtiles.existingcontent',
                               '@@plone.app.standardtiles.sitemap'),
    },
    'collective.lineage': {
        'subsite made': posted('/subsite/@@lineage_tool-enable'),
        'title of the subsite': dublin(
            '/subsite', title='Another subsite'),
        'subsite unmade': posted('/subsite/@@lineage_tool-disable'),
    },
    'collective.workspace': {
        'position of a member': sent(
            f'{ROSTER}/bob', 'form.buttons.save', **widgets(
                position='Captain')),
        'member removed': sent(f'{ROSTER}/bob', 'form.buttons.remove'),
        'member added': sent(ROSTER, 'form.buttons.save', **widgets(
            user='bob', position='Cook')),
    },
    'Products.EasyNewsletter': {
        'prologue of the newsletter': edit('/letters', 'root', **{
            'form.widgets.default_prologue': '<p>Good morning</p>'}),
        'text of an issue': text('/letters/first', '<p>Another text</p>'),
        'title of an issue': dublin(
            '/letters/first', title='The very first'),
    },
}
