"""Keeps CMF from its own work where it publishes templates and skins.

Where that would come in the way of the cache, it is kept from it meanwhile.
"""
from contextlib import contextmanager
from threading import get_ident

from Acquisition import aq_base
from Products.CMFCore.FSFile import FSFile
from Products.CMFCore.FSImage import FSImage
from Products.CMFCore.FSObject import FSObject
from Products.CMFCore.FSPageTemplate import FSPageTemplate
from Products.CMFCore.Skinnable import SKINDATA
from Products.CMFCore.utils import SUBTEMPLATE
from Products.CMFCore.utils import _setCacheHeaders
from Products.CMFCore.utils import _ViewEmulator
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
from Shared.DC.Scripts.Bindings import Bindings


def gives_what_it_renders(kind):
    """Return whether the result of a class of templates is what it renders.

    A class of its own may do something to what it renders.
    """
    return (
        kind.__call__ is Bindings.__call__
        and kind._exec in (ZopePageTemplate._exec, FSPageTemplate._exec))


def file_of(ob):
    """Return the name of the file that an object is made from, or ''."""
    ob = aq_base(ob)
    return str(ob._filepath) if isinstance(ob, FSObject) else ''


def keep_cmf_from_asking(request):
    """Make CMF take the template for a part of another one.

    CMF counts nested templates in an attribute of the request, and asks its
    policies for the outermost alone.  Return False where it does so anyway.
    """
    if request.__dict__.get(SUBTEMPLATE, 0):
        return False
    setattr(request, SUBTEMPLATE, 1)
    return True


def let_cmf_ask_again(request):
    """Undo :func:`keep_cmf_from_asking`, whatever failed meanwhile."""
    request.__dict__.pop(SUBTEMPLATE, None)


@contextmanager
def skin_aside():
    """Let what is traversed set up a skin; that of before comes back.

    A thread has one skin, and a site sets up none where there is one.
    """
    thread = get_ident()
    skin = SKINDATA.pop(thread, None)
    try:
        yield
    finally:
        SKINDATA.pop(thread, None)
        if skin is not None:
            SKINDATA[thread] = skin


def set_headers_of_file(ob):
    """Let CMF set the policy's headers of a filesystem file or image.

    With a cache manager behind such a file it leaves them to the cache.
    """
    if isinstance(aq_base(ob), (FSFile, FSImage)):
        _setCacheHeaders(_ViewEmulator().__of__(ob), extra_context={})
