"""What kind of file somebody sends: told by its ending, and by how it begins.

Plain data and functions. Neither the name that a file has nor what the browser says of it is
trusted: a file passes if it begins as files with its ending do.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass

# As much of a file as is looked at.
HEAD = 4_096


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file: its media type, and whether a file that begins so is one."""

    mime: str
    begins: Callable[[bytes], bool]

    @property
    def is_picture(self) -> bool:
        """Whether every browser can show it as a picture."""
        return self.mime in ("image/png", "image/jpeg", "image/gif", "image/webp")


def ending_of(name: str) -> str:
    """The ending of a file's name.

    >>> ending_of("Passport.of.Ada.PDF"), ending_of("passport")
    ('pdf', '')
    """
    stem, _, ending = name.rpartition(".")
    return ending.lower() if stem else ""


def find(name: str, head: bytes) -> FileType | None:
    """The kind of a file with this name that begins so; None if it is not what it is called.

    >>> find("scan.pdf", b"%PDF-1.7").mime
    'application/pdf'
    >>> find("scan.pdf", b"<html>") is None
    True
    """
    found = KNOWN.get(ending_of(name))
    return found if found is not None and found.begins(head) else None


def _magic(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(beginnings)


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is_heic(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc")


def _is_text(head: bytes) -> bool:
    """UTF-8 without control characters but those of lines; the last letter may be cut off."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(letter >= " " or letter in "\t\r\n\f" for letter in text)


_ZIP = _magic(b"PK\x03\x04")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."

# By ending. Nothing in which a program could hide: no HTML, no SVG, no macros, no archives.
KNOWN: dict[str, FileType] = {
    "pdf": FileType("application/pdf", _magic(b"%PDF-")),
    "png": FileType("image/png", _magic(b"\x89PNG\r\n\x1a\n")),
    "jpg": FileType("image/jpeg", _magic(b"\xff\xd8\xff")),
    "jpeg": FileType("image/jpeg", _magic(b"\xff\xd8\xff")),
    "gif": FileType("image/gif", _magic(b"GIF87a", b"GIF89a")),
    "webp": FileType("image/webp", _is_webp),
    "heic": FileType("image/heic", _is_heic),
    "txt": FileType("text/plain", _is_text),
    "csv": FileType("text/csv", _is_text),
    "md": FileType("text/markdown", _is_text),
    "docx": FileType(f"{_OFFICE}wordprocessingml.document", _ZIP),
    "xlsx": FileType(f"{_OFFICE}spreadsheetml.sheet", _ZIP),
    "pptx": FileType(f"{_OFFICE}presentationml.presentation", _ZIP),
    "odt": FileType(f"{_OPEN}text", _ZIP),
    "ods": FileType(f"{_OPEN}spreadsheet", _ZIP),
}
