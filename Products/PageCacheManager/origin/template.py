"""Page templates as origins: published templates and called templates."""
from functools import cached_property
from functools import lru_cache

from AccessControl import getSecurityManager
from Acquisition import aq_base
from Acquisition import aq_parent
from App.config import getConfiguration

from ..cmf import guard
from ..core.key import arguments_key
from ..interfaces import IPageCacheManager
from ..key.code_version import code_version
from ..key.versions import association_of
from ..key.versions import frame_of
from ..key.versions import identity_of
from ..key.versions import path_of
from ..key.versions import version_of
from ..key.versions import version_of_frame
from ..manager.caches import cache_of
from ..manager.find import managers
from ..publisher import request as http_request
from ..publisher import response as http_response
from ..publisher import response_headers
from .origin import Origin


#: The spelling of the arguments if a template is called without arguments.
_NO_ARGUMENTS = arguments_key(({'args': ()}, []))


class TemplateOrigin(Origin):
    """A page template, published or called."""

    version_names = ('Template', 'Code and templates in files')
    # every template sets it itself
    headers_of_all = frozenset(['content-type'])

    def __init__(self, template):
        self.template = template
        self.executable = None if self.is_called else template
        self.context = self.parent = aq_parent(template)
        self.name = template.getId()
        self.identity = identity_of(template)

    @cached_property
    def path(self):
        return path_of(self.template)

    def association(self):
        # a template in a file has its association in a file too
        return association_of(self.template)

    def find_manager(self, claim):
        # Zope checks this too before it asks a cache
        if not self.template.ZCacheable_enabled():
            return None
        return manager_of_template(self.template)

    def note_unkept(self, secs):
        if self.template.ZCacheable_getManagerId():
            return  # another kind of manager, or a deleted one
        for manager in managers(self.context):
            cache_of(manager).lately_templates.saw(self.path, '', secs)

    def templates(self):
        return self.template, frame_of(self.context)

    def versions(self):
        is_file = self.identity.startswith('file:')
        return (
            '' if is_file else version_of(self.template),
            self.version_in_files())

    def version_in_files(self):
        # all code counts: a template calls scripts and tools
        files = [code_version()]
        if self.identity.startswith('file:'):
            files.append(version_of(self.template))
        if getConfiguration().debug_mode:
            files.append(version_of_frame(self.context))
        return None if None in files else ' '.join(files)

    def own_headers(self, rendering, response, settings):
        return response_headers.changed_headers(
            rendering.headers_left, rendering.headers_before)

    def forget_conditions(self, request):
        """Remove the conditions, so that CMF makes no 304."""
        http_request.forget_conditions(request)


class PublishedTemplate(TemplateOrigin):
    """A page template that is published itself."""

    kind = 'published'
    has_base = True
    is_alone_until_delivery = True

    def keywords(self, request):
        return {
            'options': {'args': ()},
            'traverse_subpath': request.other.get('traverse_subpath', []),
            'user': getSecurityManager().getUser()}

    def content_type(self, response):
        found = response.headers.get('content-type')
        return self.template.content_type if found is None else found

    def arguments(self, request):
        subpath = request.other.get('traverse_subpath')
        if not subpath:
            return _NO_ARGUMENTS
        return arguments_key(({'args': ()}, subpath))

    def body(self, response, text):
        if http_response.is_locked(response):
            return None
        return http_response.plain_body(response)


class CalledTemplate(TemplateOrigin):
    """A page template that published code calls to make its page."""

    kind = 'called'
    is_called = True

    def __init__(self, template, call):
        super().__init__(template)
        #: Identifies the call after the template has rendered.
        self.call = call
        self._keywords = call['bound_names']

    def keywords(self, request):
        return self._keywords

    def arguments(self, request):
        """Return the arguments as a string, without REQUEST and RESPONSE."""
        given = {
            name: value
            for name, value in self._keywords.get('options', {}).items()
            if name not in ('REQUEST', 'RESPONSE')}
        return arguments_key((given, self._keywords.get('traverse_subpath')))

    def body(self, response, text):
        body = http_response.plain_body(response)
        if body is None or body != http_response.made_body(response, text):
            return None
        return body


def is_template(published):
    """Return whether an object is a page template that asks caches.

    Only its class counts: a management screen asks no cache, but acquires the
    attributes of its object.
    """
    return _asks_caches(type(aq_base(published)))


@lru_cache(maxsize=512)
def gives_its_page(kind):
    """Return whether templates of a class return the page as rendered."""
    return _asks_caches(kind) and guard.gives_what_it_renders(kind)


def _asks_caches(kind):
    return hasattr(kind, 'pt_render') and hasattr(
        kind, 'ZCacheable_getManager')


def manager_of_template(template):
    """Return the Page Cache Manager of a template, None if it has none."""
    manager = template.ZCacheable_getManager()
    if IPageCacheManager.providedBy(manager):
        return manager
    # its id now names another manager, or no manager: the template must look
    # for its cache again
    aq_base(template)._v_ZCacheable_cache = None
    return None
