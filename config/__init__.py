"""The composition root: settings, URLs and the Celery app. No other package imports it."""

from config.celery import app as celery_app

# Django loads this package with its settings; from then on `shared_task` finds the app.
__all__ = ["celery_app"]
