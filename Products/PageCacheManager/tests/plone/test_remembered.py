"""The answer of a moment ago is given again, without the policy."""
import pytest

from ...cmf import policy


@pytest.mark.parametrize('name', [None, 'alice'])
def test_policy_is_not_asked_again(addon, client, monkeypatch, name):
    asked, plain = [], policy.ask

    def ask(*args):
        asked.append(args)
        return plain(*args)
    monkeypatch.setattr(policy, 'ask', ask)
    headers = {} if name is None else {'Cookie': client.log_in(name)}
    for _ in range(4):
        asked.clear()
        answer = client.get('/a-document', **headers)
    assert (answer.outcome, asked) == ('HIT', [])
