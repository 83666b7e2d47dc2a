"""Which hits are audited, and the last findings."""
from ....core.audit import audits
from ....core.audit.audits import Audits
from ....core.audit.audits import Finding


def finding(url, whose='', at=0.0, is_by_itself=False):
    return Finding(at, url, whose, 'all', 0.0, is_by_itself, [], [])


def test_one_in_so_many():
    found = Audits(lambda: 0.0)
    assert [found.is_due(3, 100) for _ in range(7)] == [
        False, False, True, False, False, True, False]


def test_no_more_than_so_many_a_minute():
    now = [0.0]
    found = Audits(lambda: now[0])
    assert [found.is_due(1, 2) for _ in range(4)] == [
        True, True, False, False]
    now[0] = 60.0
    assert [found.is_due(1, 2) for _ in range(3)] == [True, True, False]


def test_the_newest_finding_comes_first():
    found = Audits()
    for url in ('a', 'b'):
        found.found(finding(url))
    assert [one.url for one in found.findings()] == ['b', 'a']


def test_a_page_is_there_once_for_each_visitor():
    found = Audits()
    for at, whose in ((1, ''), (2, 'alice'), (3, '')):
        found.found(finding('a', whose, at))
    assert [(one.at, one.whose) for one in found.findings()] == [
        (3, ''), (2, 'alice')]


def test_only_the_last_findings_are_kept():
    found = Audits()
    for number in range(audits.MAX_FINDINGS + 5):
        found.found(finding(str(number)))
    assert len(found.findings()) == audits.MAX_FINDINGS
    assert found.findings()[-1].url == '5'


def test_pages_that_are_always_new_push_out_no_other():
    found = Audits()
    found.found(finding('real'))
    for number in range(audits.MAX_FINDINGS):
        found.found(finding(str(number), is_by_itself=True))
    urls = [one.url for one in found.findings()]
    assert len(urls) == 1 + audits.MAX_BY_ITSELF
    assert urls[:2] == ['real', str(audits.MAX_FINDINGS - 1)]
