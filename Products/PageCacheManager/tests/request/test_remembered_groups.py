"""Values that code puts into a request tell visitors apart."""
from types import SimpleNamespace

import pytest
from zope.i18nmessageid import Message
from ZPublisher.interfaces import IPubAfterTraversal

from ..site import add_template
from ..site import set_policy


class Groups(list):
    """A list with the name of a group beside it."""

    name = ''


def named(group):
    found = Groups(['a group'])
    found.name = group
    return found


KINDS = {
    'text': str,
    'message': Message,
    'list': lambda group: [group],
    'tuple': lambda group: (group,),
    'dict': lambda group: {'group': group},
    'list or text': lambda group: ['a'] if group == 'a' else "['a']",
    'list with a name': named,
    'object': lambda group: SimpleNamespace(name=group),
}


@pytest.mark.parametrize('kind', KINDS)
def test_groups_are_told_apart(site, client, item, subscribe, kind):
    groups = []
    subscribe(lambda event: event.request.set(
        'group', KINDS[kind](groups[-1])), IPubAfterTraversal)

    def show_it(self):
        group = self.REQUEST['group']
        return f'{type(group).__name__} {group!r} {getattr(group, "name", "")}'
    item('show_it', show_it)
    add_template(
        site.portal_skins.custom, 'shown',
        '<p tal:content="structure context/show_it">text</p>')
    set_policy(site, etag='object/show_it')
    for name in 'aabbaabb':
        groups.append(name)
        group = KINDS[kind](name)
        shown = f'{type(group).__name__} {group!r} '
        answer = client.get('/site/doc/shown')
        assert answer.text == (
            f'<p>{shown}{getattr(group, "name", "")}</p>'), answer.outcome
