"""Pharmacy software sees and answers shares: everything the desk can do."""

from datetime import date
from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.response import Response

from portal.api_access import for_software
from portal.reasons import Refused
from prescriptions.api import answers
from prescriptions.api.base import FhirView
from prescriptions.api.outcome import Unprocessable
from prescriptions.api.paging import page
from prescriptions.fhir import FhirError
from prescriptions.fhir.node import Node
from prescriptions.files import documents
from sharing import actions, reach
from sharing.actions import Answer
from sharing.api import resources
from sharing.models import Share, ShareEvent, ThreadMessage, as_receipt
from sharing.states import ShareStatus as S

API = ShareEvent.Door.API
# What a Task may be set to → our state. `accepted` takes the share and moves nothing.
MOVES = {"ready": S.READY, "completed": S.COLLECTED, "rejected": S.REFUSED}
# What is to be mended, where a reason is about one field.
PLACES = {
    "original-unseen": "Task.output",
    "refusal-unsaid": "Task.note",
    "missing-unsaid": "Task.statusReason.text",
    "missing-too-long": "Task.statusReason.text",
    "day-past": "Task.restriction.period.end",
    "day-too-far": "Task.restriction.period.end",
}
IN_PROGRESS = {"": S.PREPARING, S.PREPARING: S.PREPARING, S.PARTIALLY_READY: S.PARTIALLY_READY}


class AnyFile(BaseRenderer):
    """So that a program may ask for a PDF or a picture; what it gets is the file itself."""

    media_type = "*/*"
    format = "file"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return JSONRenderer().render(data)


class PharmacyView(FhirView):
    permission_classes = [for_software("shares.read", "lgo")]

    @property
    def shares(self):
        pharmacy = reach.pharmacy_of(self.software)
        if pharmacy is None:
            raise Http404
        return reach.shares_of(pharmacy)

    def share(self, id) -> Share:
        return get_object_or_404(self.shares, pk=id)


class Tasks(PharmacyView):
    def get(self, request):
        shares = self.shares.filter(_asked_states(request.query_params.get("status", "")))
        receipt = request.query_params.get("identifier", "").rpartition("|")[2]
        if receipt:
            shares = shares.filter(receipt=as_receipt(receipt))
        rows, next_url = page(shares, request)
        found = [resources.task(share) for share in rows]
        return Response(answers.searchset(found, url=request.build_absolute_uri(), next_url=next_url))


def _asked_states(text: str) -> Q:
    existing = {*resources.TASK_STATUS.values(), "accepted"}
    wanted = set(text.split(",")) if text else existing
    if not wanted <= existing:
        raise FhirError("status", "This Task status does not exist here.", "parameter-invalid")
    return resources.of_task_status(wanted)


class OneTask(PharmacyView):
    def get(self, request, id):
        """Reading it opens it: the patient is told."""
        share = self.share(id)
        if share.is_readable:
            actions.open_share(share=share, by=self.software, door=API)
            share = self.share(id)
        return _answer(share)

    def put(self, request, id):
        """Sets status (and businessStatus, statusReason, note); If-Match guards against a colleague's answer."""
        if "shares.write" not in request.auth.scopes:
            self.permission_denied(request, message="This needs the scope shares.write.")
        guards = {
            "key": request.headers.get("Idempotency-Key", ""),
            "expected_version": request.headers.get("If-Match", "").removeprefix("W/").strip('"'),
        }
        try:
            _apply(self.share(id), Node(request.data, "Task"), by=self.software, **guards)
        except Refused as refused:
            raise _named(refused) from None
        return _answer(self.share(id))


def _answer(share: Share) -> Response:
    return Response(
        resources.task(share, whole=True),
        headers={"ETag": f'W/"{share.version}"', "Cache-Control": "no-store"},
    )


def _apply(share: Share, asked: Node, **guards) -> None:
    status = asked.text("status")
    if status == "accepted":
        actions.take_share(share=share, member=None, **guards)
        return
    actions.record_reply(share=share, answer=_answer_of(asked, status), door=API, **guards)


def _named(refused: Refused) -> Exception:
    """The same, naming the field to mend when there is one."""
    reason = refused.reason
    path = PLACES.get(reason.code)
    return Unprocessable(reason.code, reason.sentence, path) if path else refused


def _answer_of(asked: Node, status: str) -> Answer:
    business = next((c.text("code") for c in asked.get("businessStatus").items("coding")), "")
    state = IN_PROGRESS.get(business) if status == "in-progress" else MOVES.get(status)
    if state is None:
        sentence = "A pharmacy sets accepted, in-progress, ready, completed, rejected."
        raise Unprocessable("status-not-settable", sentence, "Task.status")
    return Answer(
        status=state,
        text="\n".join(note.text("text") for note in asked.items("note")),
        refusal=_refusal(asked) if state == S.REFUSED else "",
        missing=asked.text("statusReason", "text") if state == S.PARTIALLY_READY else "",
        expected_on=_day(asked) if state == S.PARTIALLY_READY else None,
        ready_until=_day(asked) if state == S.READY else None,
        original_seen=_original_seen(asked),
    )


def _refusal(asked: Node) -> str:
    code = next((c.text("code") for c in asked.get("statusReason").items("coding")), "")
    if code not in Share.Refusal.values:
        raise Unprocessable(
            "refusal-missing", f"statusReason says why: one of {', '.join(Share.Refusal.values)}.", "Task.statusReason"
        )
    return code


def _original_seen(asked: Node) -> bool:
    """output: {"type": {"coding": [{"code": "original-seen"}]}, "valueBoolean": true}."""
    said = [
        output.flag("valueBoolean")
        for output in asked.items("output")
        for coding in output.get("type").items("coding")
        if coding.text("code") == "original-seen"
    ]
    return any(said)


def _day(asked: Node) -> date | None:
    return asked.get("restriction", "period").day("end")


class TaskDocument(PharmacyView):
    """GET Task/<id>/$document?n=1: a file of the share as it is, PDF, CDA or photo. The patient is told."""

    renderer_classes = [*FhirView.renderer_classes, AnyFile]

    def get(self, request, id):
        share = self.share(id)
        place = request.query_params.get("n", "1")
        files = documents.for_message(share.prescription) if share.is_readable else []
        if not place.isascii() or not place.isdigit() or len(place) > 3 or not 1 <= int(place) <= len(files):
            raise Http404
        actions.read_document(share=share, by=self.software)
        file = files[int(place) - 1]
        return HttpResponse(file.content, content_type=file.content_type, headers={"Cache-Control": "no-store"})


class Communications(PharmacyView):
    def get(self, request):
        """Reading the words is opening the share, as reading its Task is."""
        share = self._share_named(request.query_params.get("based-on", ""))
        rows, next_url = page(share.messages.all() if share.is_readable else share.messages.none(), request)
        if share.is_readable:
            actions.open_share(share=share, by=self.software, door=API)
        found = [resources.communication(words) for words in rows]
        return Response(answers.searchset(found, url=request.build_absolute_uri(), next_url=next_url))

    def post(self, request):
        if "shares.write" not in request.auth.scopes:
            self.permission_denied(request, message="This needs the scope shares.write.")
        asked = Node(request.data, "Communication")
        share = self._share_named(next((n.text("reference") for n in asked.items("basedOn")), ""))
        text = "\n".join(part.text("contentString") for part in asked.items("payload")).strip()
        if not text:
            raise Unprocessable("message-empty", "payload.contentString says the message.", "Communication.payload")
        key = request.headers.get("Idempotency-Key", "")
        actions.record_reply(share=share, answer=Answer(text=text), door=API, key=key, by=self.software)
        own = share.messages.filter(side=ThreadMessage.Side.PHARMACY).order_by("-created_at", "-id")
        said = next(words for words in own if words.body == text)  # sent again with its key, it is the first one
        return Response(resources.communication(said), status=201)

    def _share_named(self, reference: str) -> Share:
        kind, _, id = reference.rpartition("/")
        try:
            wanted = UUID(id)
        except ValueError:
            wanted = None
        if kind not in {"Task", ""} or wanted is None:
            raise FhirError("based-on", "based-on names a Task, as Task/<id>.", "parameter-invalid")
        return self.share(wanted)
