"""The database, when it is not there."""

from django.db import InterfaceError, OperationalError

DATABASE_AWAY = (OperationalError, InterfaceError)  # restarted, cut off, gone: trying again later may pass
