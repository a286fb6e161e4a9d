# One image for every process: the command decides (compose.yaml has all of them).
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PRODUCTION=true STATIC_ROOT=/app/staticfiles

WORKDIR /app

# Before the code, so that a change of code does not install again.
COPY requirements/ requirements/
RUN pip install --no-cache-dir -r requirements/prod.txt

COPY . .
# Production's settings, for their hashed file names; the values serve this one command.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
    ALLOWED_HOSTS=build DATABASE_URL=sqlite:////tmp/build/db BROKER_URL=redis://build VAR_DIR=/tmp/build \
    python manage.py collectstatic --noinput

RUN useradd --system --create-home --home-dir /app/var orchestrator
ENV VAR_DIR=/app/var
USER orchestrator

EXPOSE 8000
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--access-logfile", "-"]
