"""The demo's people and their doors, without password. 404 everywhere but where ORDOLIEN_DEMO=1."""

from dataclasses import dataclass
from datetime import UTC
from email import message_from_bytes, policy
from functools import wraps

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.auth.decorators import login_not_required
from django.core.mail.backends.base import BaseEmailBackend
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from portal import maildir

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass(frozen=True)
class Persona:
    code: str
    name: str
    role: str
    story: str
    icon: str
    home: str  # URL name

    @property
    def email(self) -> str:
        return f"{self.code}@ordolien.test"


PERSONAS = {
    persona.code: persona
    for persona in (
        Persona(
            "alice",
            "Alice Moreau",
            _("Patiente"),
            _("38 ans. Elle a ses ordonnances et celles de son fils Léo, pour qui elle agit."),
            "user",
            "home",
        ),
        Persona(
            "bob",
            "Bob Nguyen",
            _("Patient"),
            _("71 ans. Plusieurs traitements au long cours, dont l’un arrive à son terme."),
            "user",
            "home",
        ),
        Persona(
            "chloe",
            "Chloé Lefèvre",
            _("Pharmacienne"),
            _("À la Pharmacie du Marché. Elle reçoit les envois des patients, prépare et répond."),
            "pharmacy",
            "desk",
        ),
        Persona(
            "dan",
            "Dan Petit",
            _("Administration"),
            _("Il suit les remises en difficulté et les traces, sans lire de données de santé."),
            "settings",
            "admin:index",
        ),
        Persona(
            "emma",
            "Dr Emma Rousseau",
            _("Médecin généraliste"),
            _("Elle prescrit depuis son logiciel, et lit ici ce que les pharmacies ont délivré."),
            "stethoscope",
            "prescriber-home",
        ),
    )
}


def demo_only(view):
    """Open to all, and only in the demo."""

    @login_not_required
    @wraps(view)
    def guarded(request, *args, **kwargs):
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def persona_or_404(code: str) -> Persona:
    if code not in PERSONAS:
        raise Http404
    return PERSONAS[code]


@demo_only
@require_GET
def people(request):
    return render(request, "portal/demo.html", {"personas": PERSONAS.values()})


@csrf_exempt  # a program enters with one POST; the door is open to all anyway, and exists in the demo only
@demo_only
@require_POST
def enter(request, persona):
    person = persona_or_404(persona)
    user = get_user_model().objects.filter(email=person.email).first()
    if user is None:
        return render(request, "portal/demo.html", {"personas": PERSONAS.values(), "is_empty": True}, status=503)
    login(request, user, backend=BACKEND)
    request.session["demo_persona"] = person.code
    return redirect(person.home)


@demo_only
@require_GET
def notices(request, persona):
    """The ordinary e-mail this person was sent, newest first."""
    person = persona_or_404(persona)
    mails = [_read(file) for file in maildir.messages_in(settings.NOTICES_DIR, person.email)]
    return render(request, "portal/demo_notices.html", {"persona": person, "mails": mails})


def _read(file) -> dict:
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    at = mail["Date"].datetime
    at = at if at.tzinfo else at.replace(tzinfo=UTC)  # "-0000" parses without its zone
    return {"subject": mail["Subject"], "at": at, "text": mail.get_content().strip()}


class MaildirBackend(BaseEmailBackend):
    """Ordinary e-mail of the demo: filed in NOTICES_DIR, one Maildir an address, and shown at /demo/messages/."""

    def send_messages(self, email_messages):
        for mail in email_messages:
            for address in mail.recipients():
                maildir.file_message(settings.NOTICES_DIR, address, mail.message().as_bytes())
        return len(email_messages)
