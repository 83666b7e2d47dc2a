"""The common parts of all screens.

Everything is made ready as plain values; the templates in `www` only place
and escape them.
"""
import html
import time
from pathlib import Path

from AccessControl import getSecurityManager
from Products.PageTemplates.PageTemplateFile import PageTemplateFile


#: What is said after a redirect.  The text is not in the URL, where anybody
#: could put another one.
DONE = {
    'saved': 'Settings saved.',
    'views': 'Views saved.',
    'dissociated': 'Associations in the database are taken away.',
    'purged': 'All pages are forgotten, on every client of the database.',
    'invalidated':
        'The selected pages are forgotten, on every client of the database.',
}

#: Of longer texts only the beginning is shown, in characters.
MAX_SHOWN = 300

WWW = Path(__file__).parent / 'www'
STYLE = (WWW / 'screens.css').read_text(encoding='utf-8')


def template(name):
    """Return a page template of ours."""
    return PageTemplateFile(str(WWW / name), {}, __name__=name)


def show(page, context, **options):
    """Return a page template's output, whatever strings it is given."""
    text = page.__of__(context)(
        header=header(context), style=STYLE, **options)
    # half a surrogate pair can be typed, but not sent
    return text.encode('utf-8', 'replace').decode('utf-8')


def render(page, manager, request, tab, message='', kind='success',
           **options):
    """Return the page of a tab."""
    message = message or DONE.get(str(request.form.get('done')), '')
    return show(
        page, manager,
        tab=tab, message=message, kind=kind,
        url=manager.absolute_url(),
        may_change=bool(getSecurityManager().checkPermission(
            'Change cache managers', manager)),
        **{name: _plain(value) for name, value in options.items()})


def _plain(value):
    """Return a list for a generator: templates may read lists."""
    return value if value is None or isinstance(
        value, (str, bool, dict, tuple, list)) else list(value)


def cut(text):
    """Return what is shown of a text that a visitor may make very long."""
    return text if len(text) <= MAX_SHOWN else f'{text[:MAX_SHOWN]} ...'


def header(context):
    """Return Zope's header with the title escaped, which Zope leaves out."""
    return escape_title(context.manage_page_header(), context)


def escape_title(page, context):
    """Return a page of Zope's with its title escaped."""
    title = context.title_or_id()
    return page.replace(
        f'<title>{title}</title>', f'<title>{html.escape(title)}</title>')


def moment(secs):
    """Return a point of time as people read it."""
    return time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(secs))
