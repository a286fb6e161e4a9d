"""Mounted at /inbox/."""

from __future__ import annotations

from django.urls import path

from humantasks.views import (
    acting,
    checking,
    deciding,
    files,
    lists,
    overriding,
    pulse,
    serving,
    tasks,
)

app_name = "humantasks"

urlpatterns = [
    path("", lists.my_work, name="my_work"),
    path("queue/", lists.queue, name="queue"),
    path("check/", lists.check, name="check"),
    path("done/", lists.done, name="done"),
    path("next/", serving.start, name="next"),
    path("next/serve", serving.serve, name="serve"),
    path("news", lists.news, name="news"),
    path("counts", lists.counts, name="counts"),
    path("tasks/<uuid:task_id>/", tasks.task, name="task"),
    path("tasks/<uuid:task_id>/pulse", pulse.pulse, name="pulse"),
    path("tasks/<uuid:task_id>/stay", pulse.stay, name="stay"),
    path("tasks/<uuid:task_id>/claim", tasks.claim, name="claim"),
    path("tasks/<uuid:task_id>/release", tasks.release, name="release"),
    path("tasks/<uuid:task_id>/draft", deciding.draft, name="draft"),
    path("tasks/<uuid:task_id>/changes", deciding.changes, name="changes"),
    path("tasks/<uuid:task_id>/preview", deciding.preview, name="preview"),
    path("tasks/<uuid:task_id>/fill", deciding.fill, name="fill"),
    path("tasks/<uuid:task_id>/comment", acting.comment, name="comment"),
    path("tasks/<uuid:task_id>/override", overriding.override, name="override"),
    path("tasks/<uuid:task_id>/attach", files.attach, name="attach"),
    path("tasks/<uuid:task_id>/files/<uuid:file_id>", files.file, name="file"),
    path("tasks/<uuid:task_id>/do/<slug:act>", acting.act, name="act"),
    path("tasks/<uuid:task_id>/check", checking.check, name="check_proposal"),
    path("tasks/<uuid:task_id>/complete", deciding.complete, name="complete"),
]
