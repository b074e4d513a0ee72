"""What a pharmacy answers at its desk: one form an answer. Each refusal says what to do; what was typed is kept."""

from dataclasses import dataclass, replace

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from portal.idempotency import new_key
from prescriptions.models import Prescription
from sharing import policies
from sharing.actions import Answer
from sharing.forms import DayField, WordsField
from sharing.models import Share
from sharing.states import SHARE_MOVES
from sharing.states import ShareStatus as S


class AnswerForm(forms.Form):
    """`key` is given once with the page: pressed twice, it is one answer."""

    status = None
    key = forms.CharField(max_length=80, widget=forms.HiddenInput)

    def __init__(self, data=None, *, share: Share, code: str):
        super().__init__(data, auto_id=f"{code}-%s", initial={"key": new_key()})
        self.share, self.code = share, code
        if share.thread_closed_at:
            self.fields.pop("text", None)

    def answer(self) -> Answer:
        return Answer(status=self.status, **{k: v for k, v in self.cleaned_data.items() if k in _FACTS and v})


_FACTS = {"text", "missing", "expected_on", "refusal", "ready_until", "original_seen"}


class DayToCome(DayField):
    """Within three months."""

    default_error_messages = {"invalid": gettext_lazy("Indiquez un jour, par exemple 28/11/2026, ou laissez vide.")}

    def validate(self, value):
        super().validate(value)
        if reason := policies.why_not_day(value):
            raise forms.ValidationError(reason.sentence, code=reason.code)


def _words(**kwargs) -> WordsField:
    return WordsField(label=gettext_lazy("Un mot pour le patient"), **{"required": False} | kwargs)


class MessageForm(AnswerForm):
    text = _words(
        required=True,
        error_messages={"required": gettext_lazy("Écrivez votre message avant de l’envoyer.")},
    )


class PreparingForm(AnswerForm):
    status = S.PREPARING


class ReadyForm(AnswerForm):
    status = S.READY
    ready_until = DayToCome(label=gettext_lazy("Gardée jusqu’au"))
    text = _words()


class PartlyReadyForm(AnswerForm):
    status = S.PARTIALLY_READY
    missing = forms.CharField(
        max_length=policies.MISSING_MAX,
        label=gettext_lazy("Ce qui manque"),
        error_messages={"required": gettext_lazy("Dites ce qui manque : le patient le lira tel quel.")},
    )
    expected_on = DayToCome(label=gettext_lazy("Attendu le"))
    text = _words()


class CollectedForm(AnswerForm):
    status = S.COLLECTED
    original_seen = forms.BooleanField(
        label=gettext_lazy("J’ai vu l’ordonnance originale"),
        error_messages={
            "required": gettext_lazy("Une photo ne suffit pas pour délivrer. Demandez l’original, puis cochez ici.")
        },
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.share.prescription.provenance != Prescription.Provenance.UPLOAD:
            del self.fields["original_seen"]


class RefusalForm(AnswerForm):
    status = S.REFUSED
    refusal = forms.ChoiceField(
        label=gettext_lazy("Pourquoi"),
        choices=Share.Refusal.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choisissez la raison : le patient saura quoi faire.")},
    )
    text = _words()

    def clean(self):
        told = super().clean()
        if "refusal" in told and "text" in told:
            reason = policies.why_refusal_unsaid(self.share, told["refusal"], told["text"])
            if reason:
                self.add_error("text", reason.sentence)
        return told


@dataclass(frozen=True)
class Choice:
    """One of the large buttons. `key`: its shortcut; `verb`: what its form's button says; `told`: once done; `words`:
    what it is for, where the label cannot say it all."""

    code: str
    form_class: type[AnswerForm]
    key: str
    icon: str
    state: str
    label: Promise
    verb: Promise
    told: Promise
    words: Promise | str = ""


CHOICES = {
    choice.code: choice
    for choice in (
        Choice(
            "preparing",
            PreparingForm,
            "p",
            "package-open",
            "wait",
            gettext_lazy("En préparation"),
            gettext_lazy("Dire qu’elle est en préparation"),
            gettext_lazy("C’est dit : elle est en préparation. Le patient est prévenu."),
        ),
        Choice(
            "ready",
            ReadyForm,
            "r",
            "bag",
            "ready",
            gettext_lazy("Prête"),
            gettext_lazy("Dire qu’elle est prête"),
            gettext_lazy("C’est dit : elle est prête. Le patient est prévenu."),
        ),
        Choice(
            "partially_ready",
            PartlyReadyForm,
            "i",
            "package",
            "wait",
            gettext_lazy("En partie prête"),
            gettext_lazy("Dire qu’elle est en partie prête"),
            gettext_lazy("C’est dit : elle est en partie prête. Le patient est prévenu."),
        ),
        Choice(
            "collected",
            CollectedForm,
            "d",
            "package-check",
            "ready",
            gettext_lazy("Remise au patient"),
            gettext_lazy("Confirmer la remise"),
            gettext_lazy("C’est noté : elle est remise au patient, qui le voit dans son espace."),
        ),
        Choice(
            "refused",
            RefusalForm,
            "n",
            "package-x",
            "stop",
            gettext_lazy("Nous ne pouvons pas"),
            gettext_lazy("Dire que nous ne pouvons pas"),
            gettext_lazy("C’est dit. Le patient est prévenu et peut choisir une autre pharmacie."),
        ),
        Choice(
            "message",
            MessageForm,
            "m",
            "message",
            "info",
            gettext_lazy("Écrire au patient"),
            gettext_lazy("Envoyer le message"),
            gettext_lazy("Votre message est dans la conversation. Le patient est prévenu."),
        ),
    )
}
# Where the same answer means something more, it says so.
TAKEN_BACK = replace(
    CHOICES["preparing"],
    icon="undo",
    label=gettext_lazy("Pas encore prête, finalement"),
    told=gettext_lazy("C’est dit : elle est de nouveau en préparation. Le patient est prévenu."),
)
CLOSED = replace(
    CHOICES["collected"],
    key="c",
    icon="check",
    state="unknown",
    label=gettext_lazy("Clore l’envoi sans rien noter"),
    words=gettext_lazy(
        "Pour une délivrance déjà notée par votre logiciel. Sinon, choisissez « Délivrer » : le registre compte "
        "ce que vous remettez, et l’envoi se clôt de lui-même."
    ),
    verb=gettext_lazy("Clore l’envoi"),
    told=gettext_lazy("L’envoi est clos. Le registre n’a rien compté : il reste autant à délivrer."),
)
NEXT = {
    S.SHARED: "preparing",
    S.OPENED: "preparing",
    S.PREPARING: "ready",
    S.PARTIALLY_READY: "ready",
    S.READY: "collected",
}


@dataclass(frozen=True)
class Offered:
    choice: Choice
    form: AnswerForm
    is_main: bool  # the step that usually comes next
    is_open: bool  # sent back with what is to be corrected


def offered(share: Share, sent: AnswerForm | None = None) -> list[Offered]:
    """The answers that can be given now, as the table of states has it. `sent`: the form that comes back."""
    possible = [choice_of(share, code) for code in CHOICES if _is_possible(share, code)]
    return [
        Offered(
            choice,
            sent if sent and sent.code == choice.code else choice.form_class(share=share, code=choice.code),
            NEXT.get(share.status) == choice.code and choice is not CLOSED,
            bool(sent and sent.code == choice.code),
        )
        for choice in possible
    ]


def choice_of(share: Share, code: str) -> Choice | None:
    """None: there is no such answer."""
    if code == "preparing" and share.status in (S.PARTIALLY_READY, S.READY):
        return TAKEN_BACK
    if code == "collected" and share.prescription.is_authentic():
        return CLOSED
    return CHOICES.get(code)


def _is_possible(share: Share, code: str) -> bool:
    if code == "message":
        return share.is_active() and share.thread_closed_at is None
    return (share.status, code) in SHARE_MOVES
