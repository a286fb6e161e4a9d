"""For load balancers and supervisors: is the process alive, can it do its work."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orchestrator.tasks import broker_error


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. It asks nobody else: a restart would not mend a database."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers and fits the code. 503 until then.

    A broker that is down is "degraded" and still 200: workers sweep the database, so runs
    go on, only later.
    """
    try:
        is_behind = _has_pending_migrations()
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    if is_behind:
        return JsonResponse({"status": "migrations pending"}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return JsonResponse({"status": "degraded: no broker" if broker_error() else "ok"})


def _has_pending_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
