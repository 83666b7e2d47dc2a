"""The managers that forms of Plone offer to choose from."""
from zope.component.hooks import getSite
from zope.interface import provider
from zope.schema.interfaces import IVocabularyFactory
from zope.schema.vocabulary import SimpleTerm
from zope.schema.vocabulary import SimpleVocabulary

from ..key.versions import path_of
from ..manager.find import managers


NAME = 'Products.PageCacheManager.managers'


@provider(IVocabularyFactory)
def managers_of_site(context):
    """Return the managers in the site and above it, and '' for the nearest.
    """
    terms = [SimpleTerm('', 'nearest', 'the nearest one')]
    for manager in managers(getSite()):
        name = manager.getId()
        if name not in [term.value for term in terms]:
            terms.append(SimpleTerm(
                name, name, f'{manager.title_or_id()} at {path_of(manager)}'))
    return SimpleVocabulary(terms)
