"""The texts of the screens, in the language that the browser asks for."""
from zope.i18n import translate
from zope.i18nmessageid import Message
from zope.i18nmessageid import MessageFactory

from ..key.visitor import OWN_DOMAIN


#: Marks a text for translation.  Its id in `locales` is the English text.
_ = MessageFactory(OWN_DOMAIN)


def translated(value, request):
    """Return a plain value with each marked text in it translated.

    The value is a text, a number, or a dict, list or tuple of such values.
    Without a request, texts stay in English.
    """
    if isinstance(value, Message):
        return translate(value, context=request)
    if isinstance(value, dict):
        return {
            name: translated(one, request) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [translated(one, request) for one in value]
    return value
