"""All benchmarks, one after the other, and the targets that they reach."""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rounds


HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / 'docs'

#: The programs, and the seconds after which each has failed with --quick.
PROGRAMS = {
    'pages': 300,
    'commits': 240,
    'layers': 120,
    'choices': 120,
    'coded': 120,
    'over_http': 180,
    'stampede': 90,
    'store': 180,
    'traces': 120,
}

#: The programs that need Plone, and run in its environment.
PLONE = {
    'plonepages': 180,
    'plonehttp': 110,
}

#: Without --quick each may take this many times as long.
PATIENCE = 20


def run(name, secs, is_quick):
    """Run a program; return its figures, and its failure or ''."""
    program = HERE / f'{name}.py'
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'figures.json'
        arguments = [sys.executable, program, '--json', file]
        if is_quick:
            arguments.append('--quick')
        # in a group of its own, so that its servers end with it
        process = subprocess.Popen(arguments, start_new_session=True)
        try:
            status = process.wait(secs)
        except subprocess.TimeoutExpired:
            return [], f'took more than {secs} s'
        finally:
            end(process)
        if status:
            return [], f'ended with status {status}'
        return (rounds.read(file), '') if file.exists() else ([], 'no figures')


def end(process):
    """End a program with all processes that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run_all(names, is_quick):
    """Run programs; return all figures, and the failures."""
    found, failures = [], []
    for name in names:
        if not (HERE / f'{name}.py').exists():
            print(f'== {name}: left out, there is none', flush=True)
            continue
        print(f'\n== {name}', flush=True)
        begin = time.monotonic()
        secs = {**PLONE, **PROGRAMS}[name]
        figures, failure = run(
            name, secs * (1 if is_quick else PATIENCE), is_quick)
        print(f'-- {name}: {time.monotonic() - begin:.0f} s', flush=True)
        found += figures
        if failure:
            failures.append(f'{name}: {failure}')
    return found, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'names', nargs='*', metavar='NAME',
        help=', '.join([*PROGRAMS, *PLONE]))
    parser.add_argument(
        '--quick', action='store_true', help='all in under ten minutes')
    parser.add_argument(
        '--plone', action='store_true', help='those that need Plone')
    parser.add_argument('--json', help='file for the figures')
    parser.add_argument(
        '--write', action='store_true', help='tables and picture into docs/')
    options = parser.parse_args()
    programs = PLONE if options.plone else PROGRAMS
    unknown = set(options.names) - set(programs)
    if unknown:
        parser.error(f'no such program: {", ".join(sorted(unknown))}')
    begin = time.monotonic()
    found, failures = run_all(
        options.names or list(programs), options.quick)
    if options.json:
        rounds.write(found, options.json)
    import report  # Zope is not imported while the programs measure

    report.show(found)
    if options.write:
        report.write(found, DOCS, report.PLONE_TABLE if (
            options.plone) else report.TABLE)
    print(f'{time.monotonic() - begin:.0f} s in all')
    for failure in failures:
        print(f'FAILED {failure}')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
