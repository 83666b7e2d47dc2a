"""The common parts of all screens.

The screens prepare plain values.  The templates in `www` arrange and escape
them.
"""
import html
import re
import time
from pathlib import Path
from urllib.parse import urlencode

from AccessControl import getSecurityManager
from Products.PageTemplates.PageTemplateFile import PageTemplateFile

from ..core.report.statistics import read_view
from ..core.report.typed_url import MAX_LENGTH
from .translation import _
from .translation import translated


#: Messages after a redirect.  The URL holds only their names, so nobody can
#: put another text there.
DONE = {
    'saved': _('Settings saved.'),
    'set_up': _('Set up. Open a page now.'),
    'views': _('Views saved.'),
    'associated': _('Associations saved.'),
    'dissociated': _('The associations in the database are removed.'),
    'policy_added': _('The policy is added behind all others.'),
    'stats_reset': _('The counters of this process are reset.'),
    'purged': _('All pages are purged, on every client of the database.'),
    'invalidated': _(
        'The selected pages are invalidated, on every client of the '
        'database.'),
    'invalidated_many': _(
        'The selected pages are invalidated, on every client of the '
        'database. Because many were selected, many other pages are '
        'invalidated as well.'),
}

NOT_THIS_FORM = _(
    'Nothing was changed. The request does not have the form of this tab.')

#: So many names use about a third of the shared marks, so many other pages are
#: invalidated, too.
MANY = 200

#: The maximum length of a shown text, in characters.
MAX_SHOWN = 300

#: The maximum length of a shown URL, in characters.
MAX_URL = 90

#: The call in Zope's footer that removes query and fragment from the address,
#: and our call, which removes only the name of the message.
_SHORTENING = re.compile(r"replaceState\('','Main','[^']*'\)")
_KEEPING = (
    r"replaceState('','Main',location.href.replace(/[?]done=\w+&?/,'?'))")

WWW = Path(__file__).parent / 'www'
STYLE = (WWW / 'screens.css').read_text(encoding='utf-8')


def template(name):
    """Return a page template from `www`."""
    return PageTemplateFile(str(WWW / name), {}, __name__=name)


_frame = template('frame.zpt')


def show(page, context, **options):
    """Return the output of a page template between Zope's header and footer.

    It is in the language of the browser.
    """
    options = translated({'language': _('en'), **options}, context.REQUEST)
    start = header(context)  # first: it sets the charset of the response
    text = _frame.__of__(context)(
        header=start, style=STYLE, content=page.__of__(context)(**options),
        **options)
    text = _SHORTENING.sub(lambda found: _KEEPING, text)
    # a form can contain half a surrogate pair, a response can not
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


def typed(request, name):
    """Return a text of the form in `request`, '' if there is no text."""
    value = request.form.get(name)
    return value if isinstance(value, str) else ''


def edit_url(policies):
    """Return the URL of the form for the policies of a policy manager."""
    return f'{policies.absolute_url()}/manage_cachingPolicies'


def explain_url(manager, url):
    """Return the URL of the Explain screen for a page.

    It is '' if the URL of the page is too long for the screen.
    """
    if len(url) > MAX_LENGTH:
        return ''
    query = urlencode({'path': url})
    return f'{manager.absolute_url()}/manage_explain?{query}'


def show_tab(manager, request, tab, done):
    """Redirect to a tab, which then shows the committed state."""
    query = f'done={done}&{read_view(request.form).query()}'.rstrip('&')
    request.response.redirect(f'{manager.absolute_url()}/{tab}?{query}')


def _plain(value):
    """Return a list for an iterator, which templates may not read."""
    return value if value is None or isinstance(
        value, (str, int, dict, tuple, list)) else list(value)


def cut(text):
    """Return the beginning of a text that visitors can make very long."""
    return text if len(text) <= MAX_SHOWN else f'{text[:MAX_SHOWN]} ...'


def cut_in_the_middle(text):
    """Return the beginning and the end of a long URL."""
    half = MAX_URL // 2
    return text if len(text) <= MAX_URL else (
        f'{text[:half]} \u2026 {text[-half:]}')


def header(context):
    """Return Zope's header with the title escaped; Zope does not escape it.
    """
    title = context.title_or_id()
    return context.manage_page_header().replace(
        f'<title>{title}</title>', f'<title>{html.escape(title)}</title>')


def moment(secs):
    """Return a time, given in seconds since 1970, as readable text."""
    return time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(secs))
