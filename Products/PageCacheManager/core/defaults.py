"""The default of a list that grows with the years, and earlier defaults.

All settings of a manager are pickled, with defaults.  If a list is equal to an
earlier default, no administrator chose it, so the current default replaces it.
"""
from collections.abc import Mapping
from typing import Any


#: Only names that a service uses for its own parameters: if a page reads such
#: a parameter, the value has no effect.  ``pk_*`` and ``mc_*`` are not here,
#: because they would match primary keys and other prefixes.
#: docs/settings.rst lists the services.
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

#: Earlier defaults by the names of their settings.
FORMER: Mapping[str, tuple[object, ...]] = {
    'ignored_parameters': ((
        'utm_*', 'fbclid', 'gclid', 'gbraid', 'wbraid', 'dclid', 'msclkid',
        'mc_cid', 'mc_eid', '_ga', '_gl'),),
}


def without_former(state: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a pickled `state` without values that are earlier defaults."""
    return {
        name: value for name, value in state.items()
        if value not in FORMER.get(name, ())}
