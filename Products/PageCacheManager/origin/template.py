"""The call of a page template, by the publisher or by other code."""
from Acquisition import aq_base
from Acquisition import aq_parent

from ..cmf import guard
from ..core.key import arguments_key
from ..key.code_version import code_version
from ..key.key import Bypass
from ..key.versions import identity_of
from ..key.versions import path_of
from ..key.versions import shared_templates
from ..publisher import request
from .call import Call
from .site import here


#: What a template has for arguments that is called without any.
_NONE = ()
_NO_ARGUMENTS = arguments_key(({'args': _NONE}, []))


class TemplateCall(Call):
    """A call of an associated page template, whoever calls it."""

    more_version_names = ('code',)

    def __init__(self, template, keywords, manager, visit):
        around = here()
        super().__init__(manager, visit, around, around.claim(visit.request))
        self.template = template
        self.keywords = keywords
        self.policy_keywords = keywords['bound_names']
        self.context = aq_parent(template)
        self.view_name = template.getId()
        self.path = path_of(template)
        self.identity = identity_of(template)
        self.is_published = (
            visit.published is aq_base(template)
            and guard.gives_what_it_renders(template))
        self.kind = 'published' if self.is_published else 'called'
        self.has_base = self.is_published

    def forget_conditions(self):
        """Keep CMF from a 304."""
        request.forget_conditions(self.request)

    def find_templates(self):
        """Return the template and the shared ones, as they are found now."""
        return [self.template, *shared_templates(
            self.context, self.settings.shared_templates)]

    def more_versions(self):
        # what it calls is code as well
        return (code_version(),)

    def headers_of_all(self):
        # a template sets this itself
        return super().headers_of_all() | {'content-type'}

    def spelled_arguments(self):
        """Return the arguments as a key, REQUEST and RESPONSE left out."""
        options = self.policy_keywords.get('options', {})
        subpath = self.policy_keywords.get('traverse_subpath')
        if (len(options) == 1 and options.get('args') is _NONE
                and type(subpath) is list and not subpath):
            return _NO_ARGUMENTS
        given = {
            name: value for name, value in options.items()
            if name not in ('REQUEST', 'RESPONSE')}
        spelling = arguments_key((given, subpath))
        if spelling is None:
            raise Bypass('unkeyed-arguments')
        return spelling
