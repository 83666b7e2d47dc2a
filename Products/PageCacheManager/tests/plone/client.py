"""A client for pages of a Plone site."""
import re

import lxml.html

from ..client import Client


#: The names of the fields in the forms of content.
FIELDS = {
    'title': 'form.widgets.IDublinCore.title',
    'text': 'form.widgets.IRichTextBehavior.text',
}


class PloneClient(Client):
    """Client that asks as browsers do: Plone answers others in JSON."""

    def __init__(self, site='/plone'):
        super().__init__()
        self.site = site

    def request(self, method, path, user=None, body='', **headers):
        headers.setdefault('ACCEPT', 'text/html')
        return super().request(
            method, self.site + path, user, body, **headers)

    def log_in(self, user):
        """Log in by the form; return the Cookie header for later."""
        response = self.post('/login', {
            '__ac_name': user, '__ac_password': user, 'form.submitted': '1',
            'buttons.login': 'Log in'}, user=None)
        return '; '.join(
            line.partition(';')[0] for line in response.all('Set-Cookie')
            if line.startswith('__ac='))

    def token(self, user):
        """Return a token that lets `user` change content."""
        page = self.get('/a-document', user).text
        return re.search('data-token="([0-9a-f]+)"', page).group(1)

    def edit(self, path, user, **fields):
        """Change fields of content by its form, which locks and unlocks.

        Without `fields` the form is saved unchanged.
        """
        page = self.get(f'{path}/edit', user)
        form = lxml.html.fromstring(page.text).get_element_by_id('form')
        values = dict(form.form_values())
        for name, value in fields.items():
            name = FIELDS[name]
            assert name in values, sorted(values)
            values[name] = value
        values['form.buttons.save'] = 'Save'
        answer = self.post(f'{path}/edit', values, user)
        assert answer.status == 302, answer.text
