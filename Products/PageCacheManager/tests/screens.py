"""Parsers of the management screens."""
from html.parser import HTMLParser
from urllib.parse import urlsplit


class Html(HTMLParser):
    """Reads a page; `problems` lists the faults of its markup."""

    void = {'area', 'base', 'br', 'col', 'hr', 'img', 'input', 'link', 'meta'}

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.problems = []
        self.elements = []
        self.texts = []
        self.feed(text)
        self.close()
        self.problems += [f'{tag} is not closed' for tag in self.open]

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(set(names)) < len(names):
            self.problems.append(f'{tag} has an attribute twice: {names}')
        self.elements.append((tag, dict(attributes)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.void:
            self.problems.append(f'<{tag}/> is not closed in HTML')

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f'{tag} closed where it is not open')

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag, **attributes):
        return [
            found for name, found in self.elements if name == tag
            and all(found.get(n) == v for n, v in attributes.items())]

    def one(self, tag, **attributes):
        found, = self.all(tag, **attributes)
        return found


def own(answer):
    """Read our part of a page: the content of <main>."""
    assert answer.status == 200, answer.status
    assert answer['Content-Type'].replace(' ', '').lower() == (
        'text/html;charset=utf-8')
    assert answer.text.count('<main') == 1
    start = answer.text.index('<main')
    end = answer.text.index('</main>') + len('</main>')
    return Html(answer.text[start:end])


def get(client, path, user='root'):
    return client.get(path, user)


def follow(client, answer):
    """Follow a redirect."""
    assert answer.status == 302, answer.status
    parts = urlsplit(answer['Location'])
    return get(client, f'{parts.path}?{parts.query}')


def labels_are_missing(html):
    """Return the controls without a label."""
    labelled = {label['for'] for label in html.all('label')}
    return [
        found for tag, found in html.elements
        if tag in ('input', 'select', 'textarea')
        and found.get('type') not in ('hidden', 'submit')
        and found.get('id') not in labelled and 'aria-label' not in found]


def text_of(html):
    """Return the words of a page, each run of white space as one blank."""
    return ' '.join(' '.join(html.texts).split())
