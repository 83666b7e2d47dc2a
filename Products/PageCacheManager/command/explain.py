"""Prints the content of a manager's Explain screen."""
import json

from .manager import RemoteManager
from .usage import Failure
from .web import printable


def run(options):
    """Explain a page; return the exit code.  Raises Failure."""
    text = RemoteManager(options).get(
        'manage_explainJSON', path=options.url, visitor=options.visitor)
    found = _read(text)
    if options.json:
        print(text)
    elif 'error' not in found:
        for line in _lines(found):
            print(printable(line))
    if 'error' in found:
        raise Failure(found['error'])
    return 0


def _read(text):
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not {'answer', 'error'} & {*found}:
        raise Failure('the answer is none of a Page Cache Manager')
    return found


def _lines(found):
    answer = found['answer']
    yield f'{answer["word"]}: {answer["text"]}'
    if answer.get('reason'):
        yield f'Reason: {answer["reason"]}. {answer["meaning"]}'
    for name, label in ('advice', 'Action'), ('failure', 'Failure'):
        if answer.get(name):
            yield f'{label}: {answer[name]}'
    if found['requests']:
        yield ''
        yield 'Last requests that Zope rendered'
    for row in found['requests']:
        yield '  ' + ', '.join(filter(None, (
            row['at'], row['user'], row['shown_url'],
            f'{row["word"]} {row["detail"]}'.rstrip(), row['secs'],
            row['dropped'] and f'dropped because of: {row["dropped"]}',
            row['differs'] and f'differs in: {row["differs"]}')))
    for section in found['sections']:
        yield ''
        yield section['title']
        width = max((len(label) for label, _ in section['rows']), default=0)
        for label, value in section['rows']:
            yield f'  {label:{width}}  {value}'
