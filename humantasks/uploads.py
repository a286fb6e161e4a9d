"""A limit for what is uploaded, before any of it is stored: name it in FILE_UPLOAD_HANDLERS."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

from humantasks.conf import MEGABYTE, conf


class LimitedUpload(FileUploadHandler):
    """Refuses a request with files that is larger than an attachment may be.

    The view would say the same in kinder words, but only after all of it lay on the disk.
    """

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, *args: Any, **options: Any
    ) -> None:
        # The other fields of the form need room, too.
        if content_length > conf.ATTACHMENT_SIZE + MEGABYTE:
            raise RequestDataTooBig("a request with a file that is larger than any may be")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The handlers after this one keep the file."""
