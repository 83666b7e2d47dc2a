"""A Page Cache Manager of a running Zope, reached over HTTP."""
import re
from urllib.parse import parse_qs
from urllib.parse import urlencode
from urllib.parse import urlsplit

from .usage import Failure
from .usage import UsageError
from .web import Sender
from .web import origin_of


#: The maximum size of an answer of a manager.
_MAX_BYTES = 20 << 20

#: A field in which plone.protect puts its token into forms.
_FIELD = re.compile(r'<input[^>]*name="_authenticator"[^>]*>')
_VALUE = re.compile(r'value="([0-9a-zA-Z]+)"')


class RemoteManager:
    """The manager at the URL in the options."""

    def __init__(self, options):
        self._url = options.manager.rstrip('/')
        try:
            origin_of(self._url)
        except ValueError:
            raise UsageError(
                '--manager takes a URL with http:// or https:// and a host, '
                'and without a user.') from None
        self._sender = Sender(options)

    def get(self, name, **query):
        """Return the text that a method returns; raises Failure."""
        answer = self._send('GET', f'{name}?{urlencode(query)}'.rstrip('?'))
        if answer.status != 200:
            raise Failure(_refusal(answer))
        return answer.body.decode('utf-8', 'replace')

    def post(self, name, **form):
        """Call a method that changes something; raises Failure."""
        form.update(self._token())
        answer = self._send('POST', name, urlencode(form).encode())
        query = parse_qs(urlsplit(answer.headers.get('Location', '')).query)
        if answer.status != 302 or 'done' not in query:
            raise Failure(_refusal(answer))

    def _token(self):
        """Return the form field with the token of plone.protect.

        Return an empty dict for Zope without Plone.
        """
        field = _FIELD.search(self.get('manage_main'))
        value = field and _VALUE.search(field[0])
        return {'_authenticator': value[1]} if value else {}

    def _send(self, method, name, form=None):
        return self._sender.send(
            method, f'{self._url}/{name}', form, keep_bytes=_MAX_BYTES)


def _refusal(answer):
    """Return the error message for an unexpected answer."""
    text = f'the manager answered {answer.status} {answer.reason}'
    if answer.status == 501:
        return f'{text}: {answer.body.decode("utf-8", "replace").strip()}'
    if answer.status in (302, 401, 403):
        return f'{text}: is the login right, and may this user do that?'
    if answer.status == 404:
        return f'{text}: is --manager the URL of a Page Cache Manager?'
    return text
