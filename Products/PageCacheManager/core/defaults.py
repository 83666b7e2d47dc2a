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

#: Defaults of the past by the names of their settings.
FORMER: Mapping[str, tuple[object, ...]] = {
    'ignored_parameters': ((
        'utm_*', 'fbclid', 'gclid', 'gbraid', 'wbraid', 'dclid', 'msclkid',
        'mc_cid', 'mc_eid', '_ga', '_gl'),),
}


def without_former(state: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a pickled `state` without what was the default of its time."""
    return {
        name: value for name, value in state.items()
        if value not in FORMER.get(name, ())}
