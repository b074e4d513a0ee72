import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from django.urls import get_resolver  # noqa: E402 - once the site is set up

from portal import checks  # noqa: E402

_ = get_resolver().url_patterns  # every view, before any request: several at once, importing, can block each other
checks.say_at_start()
