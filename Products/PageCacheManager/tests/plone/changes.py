"""Changes as people make them: by forms of the site."""
from urllib.parse import urljoin

import transaction
from lxml import html
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.component.hooks import setSite


FRAME_FOR_SCRIPTS = 'plone.use_ajax_main_template'


def has_frame_for_scripts(portal):
    """Let scripts get pages without the frame of the site.

    Return whether Plone can do so: it can from 6.2 on.
    """
    setSite(portal)
    registry = getUtility(IRegistry)
    if FRAME_FOR_SCRIPTS not in registry:
        return False
    registry[FRAME_FOR_SCRIPTS] = True
    transaction.commit()
    return True


def submit(client, path, user, button, changes=(), **headers):
    """Fill in the form at `path` that has `button`, and send it."""
    answer = client.get(path, user, **headers)
    assert answer.status == 200, (path, answer.status)
    form, pressed = _form_with(html.fromstring(answer.text), button)
    changes = dict(changes)
    values = [(name, value) for name, value in form.form_values()
              if name not in changes]
    for name, value in changes.items():
        several = value if isinstance(value, (list, tuple)) else [value]
        values += [(name, one) for one in several]
    values = [pair for pair in values if pair[0] != button]
    values.append((button, pressed.get('value', '')))
    return client.post(_target(client, path, form), values, user, **headers)


def _form_with(page, button):
    """Return the form that has a button, and the button."""
    for form in page.forms:
        for pressed in form.xpath('.//*[@name=$name]', name=button):
            return form, pressed
    raise AssertionError((button, page.xpath('//form//button/@name')))


def _target(client, path, form):
    """Return the path to which a form is sent, relative to the site."""
    here = f'http://{client.host}{client.site}{path}'
    target = urljoin(here, form.action or '')
    return target.partition(client.site)[2]


def post(client, path, form=(), user='root', **headers):
    """Send a form with the token of its user; return the answer."""
    form = [*(form.items() if isinstance(form, dict) else form)]
    answer = client.post(
        path, [*form, ('_authenticator', client.token(user))], user,
        **headers)
    assert answer.status in (200, 204, 302), (path, answer.status)
    assert 'confirm-action' not in (answer.get('Location') or '')
    return answer


def edit(path, user='alice', **fields):
    """Return a function that changes fields of content by its edit form."""
    def change(client, portal):
        answer = submit(
            client, f'{path}/edit', user, 'form.buttons.save', {
                name.replace('__', '.'): value
                for name, value in fields.items()})
        assert answer.status == 302, answer.text[-2000:]
    return change


def dublin(path, **fields):
    return edit(path, **{
        f'form.widgets.IDublinCore.{name}': value
        for name, value in fields.items()})


def text(path, value):
    return edit(path, **{'form.widgets.IRichTextBehavior.text': value})


def transition(path, action, user='root'):
    def change(client, portal):
        post(client, f'{path}/content_status_modify',
             {'workflow_action': action}, user)
    return change


def posted(path, user='root', **form):
    def change(client, portal):
        post(client, path, form, user)
    return change


def panel(path, button='form.buttons.save', **form):
    """Return a function that changes fields of a control panel."""
    def change(client, portal):
        answer = submit(client, path, 'root', button, {
            name.replace('__', '.'): value for name, value in form.items()})
        assert answer.status in (200, 302)
    return change


def widgets(**form):
    return {f'form.widgets.{name}': value for name, value in form.items()}


def viewlets(query):
    """Return a function that shows, hides or moves viewlets."""
    def change(client, portal):
        token = client.token('root')
        answer = client.get(
            f'/@@manage-viewlets?{query}&_authenticator={token}', 'root')
        assert answer.status in (200, 302)
        assert 'confirm-action' not in (answer.get('Location') or '')
    return change
