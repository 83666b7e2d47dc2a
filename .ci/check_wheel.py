"""Check that Zope found the installed product: run by `make package`.

zconsole gives `app`, the root of a new instance; its start has added the
demo site.
"""

from pathlib import Path

import Products.PageCacheManager


# Registered by initialize(), which Zope calls for products that it finds.
names = [info['name'] for info in Products.meta_types]
assert 'Page Cache Manager' in names, names

where = Products.PageCacheManager.__file__
assert 'site-packages' in where, where

# The wheel contains the add-on's profiles for Plone.
for name in ('default', 'uninstall'):
    profile = Path(where).parent / 'profiles' / name / 'metadata.xml'
    assert profile.exists(), profile

site = app['demo']  # noqa: F821
assert site.page_cache.meta_type == 'Page Cache Manager'
assert site.page_cache.isActive()
assert len(site.portal_catalog) > 30
# The wheel contains the templates, their metadata and the style sheet.
skin = site.portal_skins['demo']
assert skin['document_view'].ZCacheable_getManagerId() == 'page_cache'
assert skin['demo.css'].get_size()

print('Zope finds the product in', where)
