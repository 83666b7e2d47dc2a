"""Compares the keys of two requests, part by part."""
from ...key.key import variant_names
from ..history import differing
from ..history import words_of
from . import rows
from .inquiry import looked_up


def parts_of(exchange):
    """Return names and values of all parts of the key of an exchange.

    None if the request has no key.
    """
    key = None if exchange is None else exchange.key
    if key is None or key.parts is None or key.index is None:
        return None
    parts = key.parts
    names = words_of(variant_names(exchange))
    index = key.index_for(exchange.request, rows.varies(exchange.step))
    return {
        'template or view': parts.template_path,
        'path of the content': parts.context_path,
        'URL': parts.url,
        **dict(zip(names, parts.variant, strict=True)),
        'headers in Vary': index[3][len(parts.variant):],
        'ETag of the policy': parts.etag,
        **{f'version: {label}': value
           for label, value in rows.of_versions(exchange)}}


def of_other(request, parts, path, as_anonymous, as_user):
    """Yield the differences between `parts` and a request for `path`.

    `parts` are the parts of the key of another request.  Raises Inexplicable.
    """
    with looked_up(request, path, as_anonymous, as_user) as finding:
        yield 'Compared with', finding.url
        yield 'Visitor there', (
            'anonymous visitor' if as_anonymous else
            'me' if as_user is None else as_user.getUserName())
        others = parts_of(finding.exchange)
        if parts is None or others is None:
            yield 'Parts that differ', (
                'not known: one of the requests has no key')
            return
        found = differing(parts, others)
        yield 'Parts that differ', (
            ', '.join(found) or 'none: both requests share a page')
