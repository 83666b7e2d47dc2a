import os
import re
from pathlib import Path

from setuptools import find_namespace_packages
from setuptools import setup


HERE = Path(__file__).parent


# The public URL of the files of this version, such as
# https://example.org/raw/2.0.0: the package index shows no other pictures.
PICTURES = os.environ.get('PICTURES', '').rstrip('/')


def read(*names):
    """Return texts; without PICTURES they have no pictures."""
    text = '\n\n'.join(
        (HERE / name).read_text(encoding='utf-8') for name in names)
    return re.sub(
        r'^(\.\. image:: )(docs/.*\n(?: +:.*\n)*\n?)',
        rf'\1{PICTURES}/\2' if PICTURES else '', text, flags=re.MULTILINE)


test = [
    'Zope[wsgi]',
    'Products.PythonScripts',
    'Products.Sessions',
    'WebTest',
    'ZEO',
    'axe-playwright-python',
    'brotli',
    'greenlet',
    'hypothesis',
    'playwright',
    'plone.testing[zope]',
    'prometheus_client',
    'pytest',
    'pytest-cov',
    'pytest-xdist',
    'tqdm',
    'zodbupdate',
    'zope.pytestlayer',
    'zstandard; python_version < "3.14"',
]
# A better coding than gzip; Python has it from 3.14 on.
compression = ['zstandard; python_version < "3.14"']
# The progress bar of `pagecache warm`.
warm = ['tqdm']
# For manage_metrics.
metrics = ['prometheus_client']
lint = ['mypy', 'ruff']
docs = ['Sphinx']
package = ['build', 'twine']
# A Plone site to cache, and packages that test it.
plone = ['Products.CMFPlone >= 6.1', 'plone.app.caching']
plone_test = test + plone + [
    # optional parts of a site that show on pages
    'Products.CMFPlacefulWorkflow',
    'plone.app.discussion',
    'plone.app.iterate',
    'plone.app.multilingual',
    'plone.app.testing',
    'plone.restapi',
]
# Packages that are compared with the cache and its store.
bench = [
    'Products.MemcachedManager',
    'Products.StandardCacheManagers',
    'Products.mcdutils',
    'cachebox',
    'cachetools',
    'libcachesim',
    'python-memcached',
    # MemcachedManager needs it and does not say so
    'six',
    'theine',
]
# Tools that check the HTTP.
conformance = [
    'CacheControl',
    'Zope[wsgi]',
    'hishel',
    'httplint',
    'pytest',
    'redbot',
    'requests',
]
mutation = ['mutmut']

setup(
    name='Products.PageCacheManager',
    version='2.0.0',
    description='Serves whole rendered pages of a Zope site from memory,'
                ' and never a stale one',
    long_description=read('README.rst', 'CHANGES.rst'),
    long_description_content_type='text/x-rst',
    keywords='zope cmf plone cache http etag',
    author='Products.PageCacheManager contributors',
    license='ZPL-2.1',
    license_files=['LICENSE.txt', 'COPYRIGHT.txt'],
    classifiers=[
        'Development Status :: 5 - Production/Stable',
        'Environment :: Web Environment',
        'Framework :: Zope',
        'Framework :: Plone :: Addon',
        'Intended Audience :: System Administrators',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3 :: Only',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Internet :: WWW/HTTP :: Site Management',
    ],
    # 'Products' itself must be named: without it an editable install is
    # not on the path where Zope looks for products.
    packages=find_namespace_packages(include=['Products', 'Products.*']),
    include_package_data=True,
    zip_safe=False,
    python_requires='>=3.11',
    install_requires=[
        'Zope >= 5.13',
        'Products.CMFCore >= 3.9',
        'Products.GenericSetup',
        'plone.memoize >= 4',
        'AccessControl',
        'Acquisition',
        'DateTime',
        'ZODB',
        'persistent',
        'transaction',
        'zope.component',
        'zope.container',
        'zope.event',
        'zope.globalrequest',
        'zope.i18n',
        'zope.i18nmessageid',
        'zope.interface',
        'zope.lifecycleevent',
        'zope.processlifetime',
        'zope.proxy',
        'zope.publisher',
    ],
    entry_points={
        'console_scripts': [
            'pagecache = Products.PageCacheManager.command.main:main'],
        'paste.filter_app_factory': [
            'fastlane = Products.PageCacheManager.fastlane.filter:filter_app'],
    },
    extras_require={
        'compression': compression,
        'warm': warm,
        'metrics': metrics,
        'start': ['Zope[wsgi]'],
        'test': test,
        'plone': plone,
        'plone-test': plone_test,
        'lint': lint,
        'docs': docs,
        'package': package,
        'bench': bench,
        'conformance': conformance,
        'mutation': mutation,
        'dev': test + lint + docs + package,
    },
)
