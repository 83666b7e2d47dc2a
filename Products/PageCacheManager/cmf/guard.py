"""Keeps CMF from work on templates and skins that disturbs the cache."""
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
    """Return whether a class of templates returns its text unchanged.

    Other classes may change the text after rendering.
    """
    return (
        kind.__call__ is Bindings.__call__
        and kind._exec in (ZopePageTemplate._exec, FSPageTemplate._exec))


def file_of(ob):
    """Return the name of the file that an object is made from, or ''."""
    ob = aq_base(ob)
    return str(ob._filepath) if isinstance(ob, FSObject) else ''


def keep_cmf_from_asking(request):
    """Make CMF treat the template as a part of another template.

    CMF counts nested templates in an attribute of the request, and asks its
    policies only for the outermost one.  Return False if the template is
    already a part of another one.
    """
    if request.__dict__.get(SUBTEMPLATE, 0):
        return False
    setattr(request, SUBTEMPLATE, 1)
    return True


def let_cmf_ask_again(request):
    """Undo :func:`keep_cmf_from_asking`, also after a failure."""
    request.__dict__.pop(SUBTEMPLATE, None)


@contextmanager
def skin_aside():
    """Remove the skin of this thread, and restore it at the end.

    So traversal can set up a skin: a site sets up none if the thread has one.
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

    CMF itself does not set them if the file has a cache manager.
    """
    if isinstance(aq_base(ob), (FSFile, FSImage)):
        _setCacheHeaders(_ViewEmulator().__of__(ob), extra_context={})
