"""The demo's pharmacy mailboxes, as a pharmacy that has nothing else would see them. 404 outside the demo."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.demo import demo_only
from sharing import mssante
from sharing.demo import pharmacy_mailbox
from sharing.forms import WordsField


class ReplyForm(forms.Form):
    text = WordsField(label=gettext_lazy("Votre réponse"), required=True)
    is_last_word = forms.BooleanField(label=gettext_lazy("Clore la conversation après cette réponse"), required=False)


@demo_only
@require_GET
def mailboxes(request):
    return render(request, "sharing/demo_mailboxes.html", {"pharmacies": pharmacy_mailbox.mailboxes_in_use()})


@demo_only
@require_GET
def mailbox(request, finess):
    pharmacy = _pharmacy_or_404(finess)
    received = pharmacy_mailbox.received_by(pharmacy)
    return render(request, "sharing/demo_mailbox.html", {"pharmacy": pharmacy, "received": received})


@demo_only
@require_http_methods(["GET", "POST"])
def mail(request, finess, key):
    """One message of the mailbox, and the answer to it."""
    pharmacy, received = _mail_or_404(finess, key)
    form = ReplyForm(request.POST or None)
    if not form.is_valid():
        page = {"pharmacy": pharmacy, "mail": received, "form": form}
        return render(request, "sharing/demo_mail.html", page, status=400 if form.is_bound else 200)
    outcome = pharmacy_mailbox.answer(pharmacy, received, **form.cleaned_data)
    _tell(request, outcome, _("Réponse envoyée. Elle arrive dans l’espace du patient dans quelques secondes."))
    return redirect("demo-mail", finess, key)


@demo_only
@require_POST
def confirm_reading(request, finess, key):
    pharmacy, received = _mail_or_404(finess, key)
    outcome = pharmacy_mailbox.confirm_reading(pharmacy, received)
    _tell(request, outcome, _("Accusé de lecture envoyé. Le patient verra que la pharmacie a lu son envoi."))
    return redirect("demo-mail", finess, key)


@demo_only
@require_GET
def mail_file(request, finess, key, number):
    _pharmacy, received = _mail_or_404(finess, key)
    if number >= len(received.files):
        raise Http404
    file = received.files[number]
    answer = HttpResponse(file.content, content_type=file.content_type)
    answer["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return answer


def _pharmacy_or_404(finess: str):
    pharmacy = pharmacy_mailbox.pharmacy_with_mailbox(finess)
    if pharmacy is None:
        raise Http404
    return pharmacy


def _mail_or_404(finess: str, key: str):
    pharmacy = _pharmacy_or_404(finess)
    received = next((mail for mail in pharmacy_mailbox.received_by(pharmacy) if mail.key == key), None)
    if received is None:
        raise Http404
    return pharmacy, received


def _tell(request, outcome: mssante.SendOutcome, done: str) -> None:
    if outcome.kind == mssante.Kind.SENT:
        messages.success(request, done)
    else:
        messages.error(request, _("L’opérateur n’a pas pris ce message. Rien n’est parti : réessayez."))
