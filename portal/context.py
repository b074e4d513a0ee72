from django.conf import settings


def portal(request) -> dict:
    """What every page's frame shows."""
    return {
        "demo": settings.DEMO,
        "theme": request.COOKIES.get("theme", "auto"),
        "acting_for": getattr(request, "acting_for", None),
        "patient": getattr(request, "patient", None),
        "pharmacy": getattr(request, "pharmacy", None),
        "member": getattr(request, "member", None),
    }
