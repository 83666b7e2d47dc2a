"""Prints the metrics of a manager in readable form."""
import re

from .manager import RemoteManager
from .usage import Failure
from .web import printable


_HELP = '# HELP '

# name, labels, value
_SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)')
_LABEL = re.compile(r'\w+="((?:\\.|[^"\\])*)"')


def run(options):
    """Print the metrics; return the exit code.  Raises Failure."""
    lines = list(_lines(RemoteManager(options).get('manage_metrics')))
    if not lines:
        raise Failure('the answer is none of a Page Cache Manager')
    for line in lines:
        print(printable(line))
    return 0


def _lines(text):
    """Yield title and samples of each metric that has samples."""
    title = ''
    for line in text.splitlines():
        if line.startswith(_HELP):
            title = line.removeprefix(_HELP).partition(' ')[2]
        sample = _SAMPLE.fullmatch(line)
        if sample:
            if title:
                yield title
                title = ''
            name, labels, value = sample.groups()
            label = ' '.join(_LABEL.findall(labels or '')) or name
            yield f'{_number(value):>15}  {label.strip()}'


def _number(text):
    """Return a number with blanks between thousands."""
    try:
        return f'{float(text):,.10g}'.replace(',', ' ')
    except ValueError:
        return text
