"""The default of a list that grows with the years, and what it was before.

A manager's settings are pickled whole, defaults among them.  Where a list is
one that was a default once, nobody chose it, and it is read as the default of
today.
"""
from collections.abc import Mapping
from typing import Any


#: Only names that a service gives to its own parameters: a page that has one
#: of that name for itself would be shown to everybody as if it had none.
#: ``pk_*`` and ``mc_*`` would hit primary keys and others' prefixes.
#: docs/settings.rst says which service each is of.
IGNORED_PARAMETERS = (
    # Google
    'utm_*', '_ga', '_gl', 'gclid', 'gclsrc', 'gad_*', 'gbraid', 'wbraid',
    'dclid', 'srsltid',
    # other networks
    'fbclid', 'igsh', 'igshid', 'msclkid', 'ttclid', 'twclid', 'li_fat_id',
    'epik', 'ScCid', 'rdt_cid', 'yclid', 'ysclid',
    # mailings
    '_hsenc', '_hsmi', '__hsfp', '__hssc', '__hstc', 'mc_cid', 'mc_eid',
    'mkt_tok',
    # web analytics
    'mtm_*', 'matomo_*', 'pk_campaign', 'pk_cid', 'pk_content',
    'pk_keyword', 'pk_kwd', 'pk_medium', 'pk_source', 'pk_vid', 'wt_mc',
    'etcc_*', 'ef_id', 's_kwcid')

#: For each time that defaults changed: what they were before.
FORMER: tuple[Mapping[str, object], ...] = (
    {'ignored_parameters': (
        'utm_*', 'fbclid', 'gclid', 'gbraid', 'wbraid', 'dclid', 'msclkid',
        'mc_cid', 'mc_eid', '_ga', '_gl')},
)

#: In a pickled state: how many of these were past when it was written.  What
#: it has of those was chosen.
_CHANGES = 'changes_of_defaults'


def dated(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return `state` with a note of the defaults that go with it."""
    return {**state, _CHANGES: len(FORMER)}


def without_former(state: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return `state` without what was a default when it was written."""
    known = state.get(_CHANGES)
    later = FORMER[known if type(known) is int and known > 0 else 0:]
    return {
        name: value for name, value in state.items()
        if not any(name in old and old[name] == value for old in later)}
