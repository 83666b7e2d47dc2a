"""The steps of a request, each a class of its own.

A step that turns out otherwise returns another one; none is ever changed
into another.
"""


class Step:
    """The state of one request, with the verbs of its way.

    `outcome` is the :class:`Outcome` that headers and statistics show;
    `known` has values for other attributes of the class.
    """

    #: Whether the cache may change the response before the commit.  It
    #: leaves others alone (POST, caching off): no more is said of them than
    #: the outcome, once nothing can fail any more.
    takes_part = True
    #: Whether CMF is kept from its policies while the page renders.
    is_quiet = False
    #: The :class:`Rendering` of the page, None where the cache answers.
    rendering = None
    #: The page that is the answer, stored or to be stored, or None.
    page = None
    #: The failure of a policy, in a line, or ''.
    failure = ''
    #: Whether the answer is known without rendering.
    is_answered = False
    #: Whether that answer has a body.
    has_body = False
    #: What Zope is given in place of rendering, None where it renders.
    result = None

    def __init__(self, outcome, **known):
        self.outcome = outcome
        vars(self).update(known)

    def deliver(self, exchange):
        """Put headers, status and body into the response; return the step
        that follows.
        """
        return self

    def rescue(self, exchange):
        """Do the least where `deliver` failed; all that it did is undone."""

    def commit(self, exchange):
        """Do what is left to do once the transaction is through."""

    def abandon(self):
        """Let others render the page that this request does not give them.

        A second call does nothing.
        """
