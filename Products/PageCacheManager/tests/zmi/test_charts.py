"""The pictures of the Statistics screen."""
import time
from types import SimpleNamespace

import pytest

from ...core.report.tally import Tally
from ...zmi import charts


@pytest.mark.parametrize('step_secs', [0, -.2, .2, -20])
def test_a_minute_keeps_its_name_when_the_clock_is_corrected(
        monkeypatch, step_secs):
    now = 1_800_000_030
    tally = Tally(lambda: 1000., lambda: now)
    tally.add('HIT')
    monkeypatch.setattr(charts, 'time', SimpleNamespace(
        time=lambda: now + step_secs, strftime=time.strftime,
        localtime=time.localtime))
    by_minute, _ = charts.over_time(tally)
    assert by_minute['rows'][0]['at'] == time.strftime(
        '%H:%M', time.localtime(now))
