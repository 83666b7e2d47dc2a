"""Loops over all variables of a request, and methods named ``validate``."""
import pytest
from AccessControl.userfolder import BasicUserFolder

from ..site import add_template
from ..site import set_policy


PATH = '/site/doc/shown'


@pytest.fixture
def showing(site, item):
    """Make pages of what a function returns for the request."""
    def show(read):
        item('show_it', lambda self: read(self.REQUEST))
        add_template(
            site.portal_skins.custom, 'shown',
            '<p tal:content="context/show_it">text</p>')
        set_policy(site, etag="python: 'x'")
    return show


def ask(client):
    return [
        client.get(PATH, Cookie='who=alice').text,
        client.get(PATH, Cookie='who=bobby').text, client.get(PATH).text,
        client.get(PATH, Cookie='who=bobby').text]


LOOPS = {
    'startswith': lambda items: [
        value for name, value in items if name.startswith('HTTP_')],
    'slice': lambda items: [*{
        name[5:]: value for name, value in items if name[:5] == 'HTTP_'
    }.values()],
    'in': lambda items: [value for name, value in items if 'COOKIE' in name],
    'split': lambda items: [
        value for name, value in items if name.split('_')[0] == 'HTTP'],
    'add': lambda items: [
        name + '=' + str(value) for name, value in items],
    'headers': lambda items: [
        (name.replace('_', '-').title(), value) for name, value in items],
}


@pytest.mark.parametrize('loop', LOOPS)
def test_cookie_of_another_visitor(showing, client, loop):
    showing(lambda request: repr(
        [one for one in LOOPS[loop](request.environ.items()) if one]))
    first, second, *_ = ask(client)
    assert 'alice' in first
    assert 'alice' not in second and 'bobby' in second


def test_form_that_validates_before_it_calls_its_template(
        site, client, item):
    def validate(self, request):
        request.set('who', request.cookies.get('who', 'none'))

    def run(self):
        """Be published."""
        self.validate_form(self.REQUEST)
        return self.called()
    item('validate_form', validate)
    item('run', run)
    add_template(
        site.portal_skins.custom, 'called',
        '<p tal:content="request/who">who</p>')
    set_policy(site, etag="python: 'x'")
    answers = [
        client.get('/site/doc/run', Cookie=f'who={who}').text
        for who in ('alice', 'bobby')]
    assert answers == ['<p>alice</p>', '<p>bobby</p>']


def test_view_whose_constructor_validates(viewed, client, monkeypatch):
    from ..views import Counting

    def begin(self, context, request):
        super(Counting, self).__init__(context, request)
        self.validate(request)

    def validate(self, request):
        self.text = request.cookies.get('who', 'none')
    monkeypatch.setattr(Counting, '__init__', begin)
    monkeypatch.setattr(Counting, 'validate', validate, raising=False)
    for who in 'alice', 'bobby':
        assert f'>{who}<' in client.get(
            '/site/doc/v-counting', Cookie=f'who={who}').text


@pytest.mark.parametrize('is_wrapped', [False, True])
def test_a_user_folder_may_read_any_cookie(
        site, client, monkeypatch, is_wrapped):
    plain = BasicUserFolder.validate

    def validate(self, request, *args):
        request.cookies.get('token')
        return plain(self, request, *args)

    def timed(*args):
        return validate(*args)
    monkeypatch.setattr(
        BasicUserFolder, 'validate', timed if is_wrapped else validate)
    add_template(
        site.portal_skins.custom, 'shown',
        '<p tal:content="context/getId">text</p>')
    set_policy(site, etag="python: 'x'")
    for value in range(3):
        answer = client.get(PATH, Cookie=f'token={value}')
    assert answer.outcome == 'HIT'
