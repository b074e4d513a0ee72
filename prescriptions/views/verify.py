"""The page where anybody checks a code, and the keys it is checked with."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from prescriptions.code import keys, qr, verification
from prescriptions.forms_verify import VerifyForm

KEYS_GOOD_FOR = 300  # seconds


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request):
    if request.method != "POST":
        return render(request, "prescriptions/verify.html", {"form": VerifyForm(), "verdict": None})
    if verification.is_asked_too_often(request):
        return render(request, "429.html", status=429)
    form = VerifyForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "prescriptions/verify.html", {"form": form, "verdict": None}, status=422)
    verdict = qr.check(form.cleaned_data["given"])
    return render(request, "prescriptions/verify.html", {"form": VerifyForm(), "verdict": verdict})


@login_not_required
@require_safe
def verify_worker(request):
    """What keeps the page above for when there is no network. Its address is its scope: that page and nothing else."""
    script = (settings.BASE_DIR / "static" / "js" / "verify_worker.js").read_bytes()
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


@login_not_required
@require_safe
def verification_keys(request):
    """What any verifier needs to work without a network: public keys and what was revoked, as JWKS (RFC 7517)."""
    headers = {
        "Cache-Control": f"public, max-age={KEYS_GOOD_FOR}",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return JsonResponse(keys.key_set(), content_type="application/jwk-set+json", headers=headers)
