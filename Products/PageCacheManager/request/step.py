"""The base of all steps.  A step is the state of one request.

If the state changes, a step returns another step.  It replaces nothing but
its own `outcome`, to add a detail.
"""


class Step:
    """The state of one request, with a method for each stage that follows.

    `outcome` is the :class:`Outcome` that headers and statistics show;
    `known` has values for other attributes of the class.
    """

    #: Whether the cache may change the response before the commit.  If not
    #: (POST, caching off), only the headers with the outcome are added, and
    #: only after the commit, when nothing can fail any more.
    takes_part = True
    #: Whether CMF asks no policies while the page renders.
    keeps_cmf_quiet = False
    #: The :class:`Rendering` of the page, None if the cache answers or does
    #: not watch.
    rendering = None
    #: The stored page, or the page that will be stored, or None.
    page = None
    #: The failure of a policy, in one line, or ''.
    failure = ''
    #: Whether the answer is known without rendering.
    is_answered = False
    #: Whether that answer has a body.
    has_body = False
    #: The result for Zope in place of rendering, None to render.
    result = None

    def __init__(self, outcome, **known):
        self.outcome = outcome
        vars(self).update(known)

    def deliver(self, exchange):
        """Put headers, status and body into the response; return the next
        step.
        """
        return self

    def rescue(self, exchange):
        """Send the minimum after `deliver` failed and was undone."""

    def commit(self, exchange):
        """Finish the step after the commit."""

    def abandon(self):
        """Let a waiting request render the page in place of this request.

        A second call does nothing.
        """
