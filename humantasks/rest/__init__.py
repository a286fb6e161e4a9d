"""Human tasks over REST: found, read, claimed, handed on, answered.

The same verbs, rules and audit as on the pages; what somebody may not see does not exist.
"""

from humantasks.rest import answering, comments, handing, reading  # noqa: F401 - their operations
from humantasks.rest.common import router

__all__ = ["router"]
