from django.contrib.auth.decorators import login_not_required
from django.http import JsonResponse
from django.shortcuts import render


def account_start(request):
    """Signed in, but no space yet: says what to do."""
    return render(request, "portal/account_start.html")


@login_not_required
def help_page(request):
    return render(request, "portal/help.html")


@login_not_required
def accessibility(request):
    return render(request, "portal/accessibility.html")


@login_not_required
def api_root(request):
    return JsonResponse({"name": "Ordolien", "fhir": None, "documentation": None})
