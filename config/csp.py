"""Content-Security-Policy on Django 5.2. Django 6 has this built in; delete it with 5.2."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin


class ContentSecurityPolicyMiddleware(MiddlewareMixin):
    """Send `SECURE_CSP`, unless the view has sent a stricter policy of its own."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        policy = [f"{name} {' '.join(values)}" for name, values in settings.SECURE_CSP.items()]
        response.headers.setdefault("Content-Security-Policy", "; ".join(policy))
        return response
