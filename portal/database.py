"""The database, when it is not there."""

from django.db import InterfaceError, InternalError, OperationalError

# Restarted, cut off, gone, or tired of a transaction in which nothing came for a minute (env.py): trying again later,
# from its beginning, may pass.
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)
