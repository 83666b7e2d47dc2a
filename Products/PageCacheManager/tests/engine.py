"""Zope's own template engine, which plone.testing's layers leave out."""
import sys
from contextlib import contextmanager

from Products.PageTemplates.engine import Program
from Products.PageTemplates.PageTemplateFile import PageTemplateFile
from zope.component import getGlobalSiteManager

from .. import zmi


@contextmanager
def chameleon():
    """Let the screens be rendered by Chameleon meanwhile."""
    components = getGlobalSiteManager()
    components.registerUtility(Program)
    _forget_programs()
    yield
    components.unregisterUtility(Program)
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
