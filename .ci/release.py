"""Check whether the checkout can be released; print how to upload it.

    python .ci/release.py check
    python .ci/release.py tell

Nothing is uploaded or tagged.
"""
import datetime
import os
import re
import subprocess
import sys
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent

#: The URL below which the files of this version will be, as for setup.py.
PICTURES = os.environ.get('PICTURES', '')


def version():
    """Return the version in setup.py."""
    return re.search(
        r"^    version='([^']+)'", (ROOT / 'setup.py').read_text(),
        re.MULTILINE)[1]


def date_of(number):
    """Return the date of a release in CHANGES.rst, '' if it is missing."""
    found = re.search(
        rf'^{re.escape(number)} \((.*)\)$',
        (ROOT / 'CHANGES.rst').read_text(encoding='utf-8'), re.MULTILINE)
    return found[1] if found else ''


def git(*arguments):
    return subprocess.run(
        ['git', *arguments], cwd=ROOT, check=True, text=True,
        capture_output=True).stdout.strip()


def problems():
    """Yield the problems that prevent a release, each as a sentence."""
    number, today = version(), datetime.date.today().isoformat()
    said = date_of(number)
    if not re.fullmatch(r'\d+(\.\d+)+((a|b|rc)\d+)?', number):
        yield f'{number} in setup.py is no version to release.'
    if said != today:
        yield (f'CHANGES.rst has no heading "{number} ({today})"; it says '
               f'{said or "nothing of this version"}.')
    if git('status', '--porcelain'):
        yield 'There are changes that are not committed.'
    if number in git('tag').split():
        yield f'There is a tag {number} already. Raise the version.'
    if not PICTURES.startswith('https://'):
        yield ('The package index shows pictures by their https URL. Say '
               'where the files of this version will be: '
               f'make release PICTURES=https://example.org/raw/{number}')


def main():
    if sys.argv[1:] == ['check']:
        found = list(problems())
        sys.exit('\n'.join(found) if found else 0)
    if sys.argv[1:] != ['tell']:
        sys.exit(__doc__)
    files = sorted(path.relative_to(ROOT) for path in ROOT.glob('dist/*'))
    print('All checks passed. Release it with:\n\n'
          f'  git tag {version()} && git push origin {version()}\n'
          f'  {Path(sys.executable).parent}/twine upload '
          f'{" ".join(map(str, files))}\n\n'
          'Then raise the version in setup.py, with a heading "(unreleased)"'
          ' in CHANGES.rst.')


if __name__ == '__main__':
    main()
