"""The benchmarks on Plone and their sites; skipped without Plone."""
import subprocess
import sys
from pathlib import Path

import pytest
import report
import rounds
import run


pytest.importorskip('Products.CMFPlone')
plonesite = pytest.importorskip('plonesite')
addonfilled = pytest.importorskip('addonfilled')
addonchanges = pytest.importorskip('addonchanges')

HERE = Path(__file__).parent

TOKEN, OTHER_TOKEN = b'0a' * 20, b'1b' * 20


def page(site, token, title=b'A document', base=b''):
    return (b'<html><head>' + base + b'<a href="http://localhost:8080/' + site
            + b'/a-document">\n' + title + b'\n<i data-token="' + token
            + b'">')


BASE = b'\n<base href="http://localhost:8080/pacs/a-document/" />\n'


def test_difference_when_only_site_token_and_base_differ():
    assert plonesite.difference(
        page(b'ours', TOKEN), page(b'pacs', OTHER_TOKEN, base=BASE)) == ''


def test_difference_when_content_differs():
    assert plonesite.difference(
        page(b'ours', TOKEN), page(b'bare', TOKEN, b'Another')) == (
            b'A document', b'Another')


def test_difference_when_one_page_is_longer():
    assert plonesite.difference(b'a\nb', b'a') == (b'b', None)


def test_addons_when_one_is_filled_it_is_changed_too():
    assert [addon.name for addon in addonfilled.ADDONS] == [
        *addonchanges.CHANGES]


@pytest.fixture(scope='module')
def found(tmp_path_factory):
    """The figures of a short run."""
    file = tmp_path_factory.mktemp('figures') / 'figures.json'
    subprocess.run(
        [sys.executable, HERE / 'plonepages.py', '--rounds', '2',
         '--json', file], check=True, timeout=run.PLONE['plonepages'])
    return rounds.read(file)


def test_targets_when_the_program_runs_shortly(found):
    assert len(report.with_target(found)) == 5 + 6
    assert all(figure.value >= 0 for figure in found)
    by_part = {}
    for figure in found:
        by_part.setdefault(figure.part, {})[figure.name] = figure
    document = by_part['Plone, in process, document, anonymous']
    assert {'HIT', '304', 'fast lane HIT', 'plone.app.caching, RAM',
            'uncached'} <= {*document}
    member = by_part['Plone, in process, document, member']
    assert member['plone.app.caching, renders'].value > 5
    listing = by_part['Plone, memory for one page, listing, anonymous']
    compressed = listing['ours, compressed'].value
    made_from = listing['of it what the page was made from'].value
    assert 0 < made_from < compressed
    assert compressed - made_from < listing['plone.app.caching'].value / 3


def test_pages_that_stay_when_another_is_edited(found):
    stay = {
        (figure.part.split()[6], figure.name): figure.value
        for figure in found if 'pages that stay' in figure.part}
    assert stay.pop(('text', 'ours, hits, anonymous')) == 19
    assert stay.pop(('text', 'ours, hits, member')) == 19
    assert stay.pop(('text', 'ours, 304, anonymous')) == 19
    assert stay.pop(('text', 'ours, 304, member')) == 19
    assert set(stay.values()) == {0}, stay
