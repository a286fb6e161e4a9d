"""The pages for requests that are refused before a view sees them."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.views import defaults

from humantasks.conf import conf


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; and 413 with the limit for what is too large, which is no mistake of form."""
    if not isinstance(exception, RequestDataTooBig):
        return defaults.bad_request(request, exception)
    is_file = request.content_type == "multipart/form-data"
    limit = filesizeformat(
        conf.ATTACHMENT_SIZE if is_file else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    )
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return render(request, "413.html", {"limit": limit}, status=status)
