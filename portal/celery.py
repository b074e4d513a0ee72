"""Celery is the bell that wakes a delivery at once. The row is the queue: with Celery silent the sweep does it all."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("ordolien")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logs(**_options):
    """Celery would set levels and handlers its own way; Django's LOGGING stands."""
