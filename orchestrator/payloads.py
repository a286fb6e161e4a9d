"""What is handed to the engine, as it is stored: encoded, within the limit."""

from __future__ import annotations

import logging

from orchestrator.conf import conf
from orchestrator.core import codec

logger = logging.getLogger("orchestrator")

# A warning comes at this part of the limit: 64 KiB of 1 MiB.
WARN_AT = 16


def encoded(value: object, what: str, of: str) -> str:
    """`value` as text. `what` names it in errors and paths, `of` says whose it is.

    Warns of a large one. Raises NotSerializable and PayloadTooLarge.
    """
    limit = conf.MAX_PAYLOAD
    text = codec.encode(value, root=what, limit=limit)
    if len(text) > limit // WARN_AT:
        logger.warning(
            "the %s of %s is large (%s characters; the limit is %s bytes): better store it "
            "elsewhere and pass a reference",
            *(what, of, f"{len(text):,}", f"{limit:,}"),
        )
    return text
