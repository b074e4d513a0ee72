"""Sessions are rows, as Django keeps them. One that cannot be written because the database is away is not one that
somebody has ended: Django says 400 for both."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError

from portal.database import DATABASE_AWAY


class SessionStore(db.SessionStore):
    def save(self, must_create=False) -> None:
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, DATABASE_AWAY):
                raise error.__context__ from None
            raise
