from django.conf import settings

from portal import access


def portal(request) -> dict:
    """What every page's frame shows."""
    return {
        "demo": settings.DEMO,
        "theme": request.COOKIES.get("theme", "auto"),
        "acting_for": getattr(request, "acting_for", None),
        "patient": getattr(request, "patient", None),
        "pharmacy": getattr(request, "pharmacy", None),
        "member": getattr(request, "member", None),
        "other_places": lambda: access.other_places(request),  # asked for only by the menu
    }
