"""Values that code puts into a request tell visitors apart."""
import pytest
from zope.i18nmessageid import Message
from ZPublisher.interfaces import IPubAfterTraversal

from ..site import add_template
from ..site import set_policy


@pytest.mark.parametrize('kind', [
    str, Message, lambda group: [group], lambda group: (group,),
    lambda group: {'group': group}])
def test_groups_are_told_apart(site, client, subscribe, kind):
    groups = []
    subscribe(lambda event: event.request.set(
        'group', kind(groups[-1])), IPubAfterTraversal)
    add_template(
        site.portal_skins.custom, 'shown',
        '<p tal:content="python: repr(request[\'group\'])">text</p>')
    set_policy(site, etag="python: repr(request['group'])")
    for group in 'aabbaabb':
        groups.append(group)
        assert client.get('/site/doc/shown').text == (
            f'<p>{kind(group)!r}</p>'.replace('"', '&quot;'))
