"""The demo's people and doors. Served only when ORDOLIEN_DEMO=1."""

from django.contrib.auth.decorators import login_not_required
from django.core.mail.backends.base import BaseEmailBackend
from django.http import Http404
from django.shortcuts import render

PERSONAS = ("alice", "bob", "chloe", "dan", "emma")


class MaildirBackend(BaseEmailBackend):
    def send_messages(self, email_messages):
        return len(email_messages)


@login_not_required
def people(request):
    return render(request, "portal/demo.html")


@login_not_required
def enter(request, persona):
    raise Http404


@login_not_required
def notices(request, persona):
    raise Http404
