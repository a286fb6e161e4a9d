"""From the words of code to the words of people. Plain functions; no Django needed."""

from __future__ import annotations


def humanise(name: str) -> str:
    """A name from code as a person would write it.

    >>> humanise("sanctions_checked"), humanise("kyc-review"), humanise("accountId")
    ('Sanctions checked', 'Kyc review', 'Account id')
    """
    spaced = "".join(
        f" {one.lower()}" if one.isupper() and before.islower() else one
        for before, one in zip(" " + name, name, strict=False)
    )
    words = spaced.replace("_", " ").replace("-", " ").split()
    return " ".join(words)[:1].upper() + " ".join(words)[1:]
