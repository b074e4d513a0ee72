from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponseServerError, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import i18n

from portal.logs import request_id


def account_start(request):
    """Signed in, but no space yet: says what to do."""
    return render(request, "portal/account_start.html")


@login_not_required
def set_language(request):
    """The page is shown in the language chosen, and whoever is signed in is written to in it from then on."""
    response = i18n.set_language(request)
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in dict(settings.LANGUAGES):
        request.user.language = chosen
        request.user.save(update_fields=["language"])
    return response


def server_error(request):
    """Something broke on our side: the number leads to the line of log. Leans on nothing else."""
    page = render_to_string("500.html", {"incident": request_id.get()})
    return HttpResponseServerError(page)


@login_not_required
def help_page(request):
    return render(request, "portal/help.html")


@login_not_required
def accessibility(request):
    return render(request, "portal/accessibility.html")


@login_not_required
def api_root(request):
    """Where everything is."""
    addresses = {
        "documentation": "/api/docs/",
        "openapi": "/api/schema/",
        "token": "/api/token/",
        "fhir": "/api/fhir/",
        "capability_statement": "/api/fhir/metadata",
        "verify": "/api/verify/",
        "verification_keys": "/.well-known/ordolien-keys.json",
        "insurer": {
            "check": "/api/insurer/check/",
            "duplicates": "/api/insurer/duplicates/",
            "opposition": "/api/insurer/opposition/",
        },
    }
    return JsonResponse({"name": "Ordolien"} | addresses)
