"""The embedded mode: web server, worker and database in one process. `manage.py demo`."""
