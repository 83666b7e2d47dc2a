"""Zope's own template engine, which plone.testing's layers leave out."""
import sys
from contextlib import contextmanager
from functools import lru_cache

from Products.PageTemplates.engine import Program
from Products.PageTemplates.PageTemplateFile import PageTemplateFile
from zope.component import getGlobalSiteManager
from zope.pagetemplate.interfaces import IPageTemplateEngine

from .. import zmi


class Engine(Program):
    """Chameleon, which compiles a source once for all tests."""

    @classmethod
    @lru_cache(maxsize=100)
    def cook(cls, source_file, text, engine, content_type):
        return super().cook(source_file, text, engine, content_type)


@contextmanager
def chameleon():
    """Render the screens by Chameleon meanwhile."""
    components = getGlobalSiteManager()
    components.registerUtility(Engine, IPageTemplateEngine)
    _forget_programs()
    yield
    components.unregisterUtility(Engine, IPageTemplateEngine)
    _forget_programs()


def _forget_programs():
    for template in _templates():
        template._v_last_read = 0


def _templates():
    for name, module in list(sys.modules.items()):
        if name.startswith(zmi.__name__):
            for value in vars(module).values():
                if isinstance(value, PageTemplateFile):
                    yield value
