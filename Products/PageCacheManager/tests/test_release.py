"""The conditions of `make release`."""
import datetime
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / '.ci' / 'release.py'

pytestmark = pytest.mark.skipif(
    not SCRIPT.exists(), reason='not in a checkout')


@pytest.fixture
def checkout(tmp_path):
    """A checkout that can be released today."""
    (tmp_path / '.ci').mkdir()
    shutil.copy(SCRIPT, tmp_path / '.ci')
    (tmp_path / 'setup.py').write_text("setup(\n    version='2.0.0',\n)\n")
    today = datetime.date.today().isoformat()
    (tmp_path / 'CHANGES.rst').write_text(f'2.0.0 ({today})\n')
    for command in (
            ['init', '--quiet'], ['add', '-A'],
            ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit',
             '--quiet', '-m', 'all']):
        subprocess.run(['git', *command], cwd=tmp_path, check=True)
    return tmp_path


def check(checkout, word='check', pictures='https://example.org/raw'):
    return subprocess.run(
        [sys.executable, '.ci/release.py', *word.split()], cwd=checkout,
        text=True, capture_output=True,
        env={**os.environ, 'PICTURES': pictures})


def test_what_can_be_released(checkout):
    done = check(checkout)
    assert (done.returncode, done.stderr) == (0, '')


@pytest.mark.parametrize(('name', 'text', 'said'), [
    ('CHANGES.rst', '2.0.0 (unreleased)\n', 'it says unreleased.'),
    ('CHANGES.rst', '2.0.0 (2001-01-01)\n', 'it says 2001-01-01.'),
    ('CHANGES.rst', '1.9 (unreleased)\n', 'nothing of this version'),
    ('setup.py', "setup(\n    version='2.0.0.dev0',\n)\n",
     '2.0.0.dev0 in setup.py is no version to release.'),
    ('other', '', 'There are changes that are not committed.')])
def test_what_is_to_be_done_before(checkout, name, text, said):
    (checkout / name).write_text(text)
    done = check(checkout)
    assert done.returncode == 1 and said in done.stderr


@pytest.mark.parametrize('pictures', ['', 'docs', 'http://example.org'])
def test_pictures_need_an_address(checkout, pictures):
    done = check(checkout, pictures=pictures)
    assert done.returncode == 1
    assert 'make release PICTURES=https://' in done.stderr


@pytest.mark.parametrize('pictures', ['', 'https://example.org/raw/'])
def test_pictures_of_the_package_index(pictures):
    text = subprocess.run(
        [sys.executable, 'setup.py', '--long-description'], cwd=ROOT,
        check=True, text=True, capture_output=True,
        env={**os.environ, 'PICTURES': pictures}).stdout
    readme = (ROOT / 'README.rst').read_text(encoding='utf-8')
    found = re.findall(r'image:: (.*)', readme)
    assert len(found) >= 2 and all((ROOT / name).exists() for name in found)
    assert re.findall(r'image:: (.*)', text) == [
        f'https://example.org/raw/{name}' for name in found if pictures]
    assert text.count(':alt:') == (len(found) if pictures else 0)


def test_a_release_that_was_is_not_made_again(checkout):
    subprocess.run(['git', 'tag', '2.0.0'], cwd=checkout, check=True)
    assert 'There is a tag 2.0.0 already.' in check(checkout).stderr


def test_it_tells_what_to_upload(checkout):
    (checkout / 'dist').mkdir()
    (checkout / 'dist' / 'products_pagecachemanager-2.0.0.tar.gz').touch()
    said = check(checkout, 'tell').stdout
    assert 'git tag 2.0.0 && git push origin 2.0.0' in said
    assert 'twine upload dist/products_pagecachemanager-2.0.0.tar.gz' in said


def test_another_word_is_told(checkout):
    done = check(checkout, 'upload')
    assert done.returncode == 1 and 'Nothing is uploaded' in done.stderr
