"""Who may use the REST side: closed by default, then registered software with the right scope."""

from rest_framework import authentication, exceptions, permissions

from portal import software
from portal.models import SoftwareClient


class Nobody(permissions.BasePermission):
    """The default: a view that forgets to say for whom it is, is for nobody."""

    def has_permission(self, request, view):
        return False


class Everybody(permissions.BasePermission):
    """Open on purpose; the list of such views is frozen in tests/test_access.py."""

    def has_permission(self, request, view):
        return True


class SoftwareAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer …` → request.user is the SoftwareClient (who acts), request.auth its AccessToken."""

    def authenticate(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        found = software.bearer_of(token.strip(), request.client_certificate)
        if found is None:
            raise exceptions.AuthenticationFailed("The token is unknown or has expired: ask /api/token/ for a new one.")
        return found.client, found

    def authenticate_header(self, request):
        return 'Bearer realm="ordolien"'


def for_software(scope: str, *kinds: str) -> type[permissions.BasePermission]:
    """Only registered software whose token carries `scope` (and, where given, of one of these kinds)."""

    class ForSoftware(permissions.BasePermission):
        message = f"This needs the scope {scope}."

        def has_permission(self, request, view):
            client = request.user
            return (
                isinstance(client, SoftwareClient)
                and scope in request.auth.scopes
                and (not kinds or client.kind in kinds)
            )

    ForSoftware.scope = scope  # for the documentation
    return ForSoftware
