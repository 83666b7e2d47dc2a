"""The texts of the screens that catalogs translate, read from the sources."""
import ast
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

from zope.tal.htmltalparser import HTMLTALParser
from zope.tal.talgettext import POEngine
from zope.tal.talgettext import POTALInterpreter

import Products.PageCacheManager

from ..cmf.presets import PRESETS
from ..core.reasons import Reason
from ..core.reasons import explained
from ..core.settings import FIELDS
from ..zmi.properties import GROUPS


DOMAIN = 'PageCacheManager'
I18N = '{http://xml.zope.org/namespaces/i18n}'
ROOT = Path(Products.PageCacheManager.__file__).parent
LOCALES = ROOT / 'locales'


def of_templates():
    """Yield each text that a page template marks."""
    for path in [*ROOT.glob('zmi/www/*.zpt'),
                 *ROOT.glob('integrations/www/*.pt')]:
        parser = HTMLTALParser()
        parser.parseString(path.read_text(encoding='utf-8'))
        engine = POEngine()
        engine.file = path.name
        POTALInterpreter(
            *parser.getCode(), engine, stream=StringIO(), metal=False)()
        yield from engine.catalog.get(DOMAIN, ())


def of_profiles():
    """Yield each text that a file of a profile marks."""
    for path in ROOT.glob('profiles/*/*.xml'):
        for node in ElementTree.parse(path).iter():
            if f'{I18N}translate' in node.attrib:
                yield node.text
            if f'{I18N}attributes' in node.attrib:
                yield node.attrib[node.attrib[f'{I18N}attributes']]


def of_modules():
    """Yield each text that a module marks with ``_``."""
    for path in [*ROOT.glob('zmi/**/*.py'), *ROOT.glob('integrations/*.py')]:
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Call) and (
                    getattr(node.func, 'id', '') == '_') and (
                    isinstance(node.args[0], ast.Constant)):
                yield node.args[0].value


def of_tables():
    """Yield each text that the screens take from tables of others."""
    yield from GROUPS
    for field in FIELDS:
        yield from (field.title, field.help)
        if getattr(field, 'unit', ''):
            yield field.unit
        yield from (title for _, title in getattr(field, 'choices', ()))
    for reason in Reason:
        yield from (reason.meaning, reason.cure)
    for preset in PRESETS.values():
        yield from (preset.title, preset.help)
    # of a reason that is not in the table
    yield from explained('?')


def msgids():
    """Return all texts."""
    return {
        *of_templates(), *of_profiles(), *of_modules(), *of_tables()}
