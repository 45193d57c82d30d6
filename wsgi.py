"""What a WSGI server runs: ``gunicorn wsgi:app``."""

from idp.loading import loading

with loading():
    from idp.app import create_app_from_environment

app = create_app_from_environment()
