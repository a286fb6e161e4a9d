"""Values as text, for apps that store some of their own: `encode` and `decode`."""

from orchestrator.core.codec import decode, encode

__all__ = ["decode", "encode"]
