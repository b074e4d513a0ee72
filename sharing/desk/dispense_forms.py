"""What is delivered at the counter: one form a line, one sheet for the whole. What was typed is kept."""

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.idempotency import new_key
from portal.reasons import Reason
from prescriptions import dispensing, numbers, policies, words
from prescriptions.dispensing import Handed, OfLine
from prescriptions.law import rules
from prescriptions.medicine import lookup
from prescriptions.models import DispensingLine, Prescription, PrescriptionLine
from sharing.desk import gs1
from sharing.forms import DayField

WHOLE, PART, NOTHING, LATER = "whole", "part", "nothing", "later"
OUTCOMES = [
    (WHOLE, gettext_lazy("Délivrée")),
    (PART, gettext_lazy("En partie")),
    (NOTHING, gettext_lazy("Non délivrée")),
    (LATER, gettext_lazy("Pas cette fois")),
]


def _text(label, most: int, **kwargs) -> forms.CharField:
    return forms.CharField(label=label, max_length=most, required=False, **kwargs)


def _day(label, **kwargs) -> DayField:
    errors = {"invalid": gettext_lazy("Indiquez un jour, par exemple 30/11/2027, ou laissez vide.")}
    return DayField(label=label, error_messages=errors, **kwargs)


class LineForm(forms.Form):
    """One prescribed line. Its CIP13 field also takes the whole DataMatrix of the box, as a scanner types it."""

    outcome = forms.ChoiceField(label=gettext_lazy("Cette ligne"), choices=OUTCOMES, widget=forms.RadioSelect)
    quantity = forms.IntegerField(
        label=gettext_lazy("Boîtes"),
        min_value=1,
        max_value=dispensing.MAX_BOXES,
        required=False,
        widget=forms.NumberInput(attrs={"class": "input-short", "inputmode": "numeric"}),
        error_messages={
            "required": gettext_lazy("Indiquez le nombre de boîtes."),
            "invalid": gettext_lazy("Indiquez un nombre de boîtes, 1 au moins."),
        },
    )
    cip13 = _text(
        gettext_lazy("CIP13 de la boîte"),
        100,
        help_text=gettext_lazy("Scannez le Datamatrix de la boîte, ou saisissez les 13 chiffres."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    lot = _text(gettext_lazy("Lot"), 40)
    expires_on = _day(gettext_lazy("Péremption"))
    not_dispensed_reason = _text(
        gettext_lazy("Pourquoi elle n’est pas délivrée"),
        200,
        error_messages={"required": gettext_lazy("Dites pourquoi : le patient et le prescripteur le liront.")},
    )
    substitution = forms.ChoiceField(
        label=gettext_lazy("Substitution"),
        choices=[("", gettext_lazy("Aucune")), *DispensingLine.Substitution.choices],
        required=False,
    )
    substitution_reason = _text(gettext_lazy("Pourquoi cette substitution"), 200)
    delivered_name = _text(gettext_lazy("Nom délivré"), 500)
    change = _text(gettext_lazy("Ce qui a été modifié"), 300)
    change_reason = _text(gettext_lazy("Pourquoi cette modification"), 200)
    prescriber_agreed_on = _day(gettext_lazy("Accord du prescripteur, le"))
    override_reason = _text(
        gettext_lazy("Votre raison de délivrer malgré tout"),
        300,
        help_text=gettext_lazy("Elle est conservée avec la délivrance."),
    )

    def __init__(self, data=None, *, line: PrescriptionLine):
        self.line = line
        self.warned: list[OfLine] = []
        super().__init__(data, prefix=f"l{line.position}", initial=self._usual())
        self.fields["outcome"].required = self.is_due()
        chosen = data.get(f"{self.prefix}-outcome") if data else None
        self.fields["quantity"].required = chosen in {None, WHOLE, PART} and self.is_due()
        self.fields["not_dispensed_reason"].required = chosen in {None, NOTHING} and self.is_due()
        self.said = words.say_line(line)

    def _usual(self) -> dict:
        line = self.line
        boxes = int(line.quantity) if dispensing.counts_boxes(line) and line.quantity >= 1 else 1
        return {
            "outcome": WHOLE if self.is_due() else LATER,
            "quantity": boxes,
            "cip13": line.codes.get("cip13", ""),
        }

    def is_due(self) -> bool:
        return dispensing.completed(self.line) < 1 + self.line.renewals

    @property
    def left(self) -> int:
        return 1 + self.line.renewals - dispensing.completed(self.line)

    @property
    def total(self) -> int:
        return 1 + self.line.renewals

    def has_more(self) -> bool:
        """Something was said in the part that is folded."""
        names = ["substitution", "substitution_reason", "delivered_name", "change", "change_reason"]
        return any(self[name].value() or self[name].errors for name in names)

    def clean(self) -> dict:
        said = super().clean()
        if not self.fields["outcome"].required:
            said["outcome"] = said.get("outcome") or LATER
        if said.get("outcome") in {NOTHING, LATER}:
            return self._without_what_is_folded(said)
        self._read_box(said)
        if bool(said.get("change")) != bool(said.get("change_reason")):
            missing = "change_reason" if said.get("change") else "change"
            self.add_error(missing, _("Notez ce qui a été modifié, et pourquoi : l’un ne va pas sans l’autre."))
        return said

    def _without_what_is_folded(self, said: dict) -> dict:
        """What was typed of a box that is not handed over holds nothing back."""
        for name in set(self.errors) - {"outcome", "not_dispensed_reason"}:
            del self.errors[name]
        return said

    def _read_box(self, said: dict) -> None:
        """A scanned box fills lot and expiry, which stay what was typed when something was."""
        box = gs1.read(said.get("cip13") or "")
        said["cip13"] = box.cip13
        said["lot"] = said.get("lot") or box.lot
        said["expires_on"] = said.get("expires_on") or box.expires_on
        if box.cip13 and (reason := numbers.why_not_cip13(box.cip13)):
            self.add_error("cip13", reason.sentence)
        if said["expires_on"] and said["expires_on"] < timezone.localdate():
            self.add_error("expires_on", _("Cette boîte est périmée. Délivrez-en une autre, ou corrigez la date."))

    def handed(self) -> Handed | None:
        """None: this line is not of this dispensing."""
        said = self.cleaned_data
        if said["outcome"] == LATER:
            return None
        if said["outcome"] == NOTHING:
            return Handed(line=self.line, not_dispensed_reason=said["not_dispensed_reason"])
        names = ["quantity", "cip13", "lot", "expires_on", "substitution", "delivered_name", "change", "change_reason"]
        facts = {name: said[name] for name in names}
        facts["delivered_name"] = facts["delivered_name"] or _name_of(said["cip13"])
        if said["change"]:
            facts["prescriber_agreed_on"] = said["prescriber_agreed_on"]
        if said["substitution"]:
            facts["substitution_reason"] = said["substitution_reason"]
        whole = said["outcome"] == WHOLE
        return Handed(line=self.line, complete=whole, override_reason=said["override_reason"], **facts)


def _name_of(cip13: str) -> str:
    found = lookup.find({"cip13": cip13}) if cip13 else None
    return found.name if found else ""


class HeadForm(forms.Form):
    """`key` is given once with the page: pressed twice, it is one dispensing."""

    key = forms.CharField(max_length=80, widget=forms.HiddenInput)
    billing_reference = _text(
        gettext_lazy("Référence de facturation"),
        60,
        help_text=gettext_lazy("Le numéro de la facture : l’assurance maladie n’a plus besoin de copie."),
    )


class Sheet:
    """The whole page: head and lines."""

    def __init__(self, prescription: Prescription, pharmacy, data=None):
        self.prescription, self.pharmacy = prescription, pharmacy
        self.head = HeadForm(data, initial={"key": new_key()})
        self.lines = [LineForm(data, line=line) for line in prescription.lines.all() if line.is_for_pharmacy()]
        self.elsewhere = [words.say_line(line) for line in prescription.lines.all() if not line.is_for_pharmacy()]
        if data is None:
            self._warn([Handed(line=f.line, quantity=f.initial["quantity"]) for f in self.lines if f.is_due()])

    def mistakes(self) -> list[tuple[str, list]]:
        """(line's name, bound fields with a mistake), for the summary on top."""
        named = [(form.said.name, form) for form in self.lines] + [("", self.head)]
        return [(name, [field for field in form if field.errors]) for name, form in named if form.errors]

    @property
    def forms(self) -> list[forms.Form]:
        return [*self.lines, self.head]

    def is_open(self) -> bool:
        """Something may be delivered still."""
        today = timezone.localdate()
        return policies.why_ended(self.prescription, today) is None and any(form.is_due() for form in self.lines)

    def is_valid(self) -> bool:
        return all([form.is_valid() for form in self.forms])

    def ask_reasons(self, refused: Reason) -> bool:
        """Says so beside each line that a soft rule holds back. False when it was refused for something else."""
        handed = self.handed()
        self._warn(handed)
        reasoned = {item.line.pk for item in handed if item.override_reason}
        held = [form for form in self.lines if form.warned and form.line.pk not in reasoned]
        for form in held:
            form.add_error("override_reason", _("Notez votre raison, ou changez ce que vous délivrez."))
        return refused.code in {one.code for form in held for one in form.warned}

    def handed(self) -> list[Handed]:
        return [item for form in self.lines if (item := form.handed())]

    def _warn(self, handed: list[Handed]) -> None:
        finess, name = self.pharmacy.finess, self.pharmacy.name
        warned = rules.warnings(self.prescription, handed, finess, timezone.now(), pharmacy_name=name)
        for form in self.lines:
            form.warned = [one for one in warned if one.line_id == form.line.pk]
            form.fields["override_reason"].required = bool(form.warned)  # for the label: it is asked for afterwards


class UndoForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Pourquoi vous l’annulez"),
        max_length=200,
        error_messages={"required": gettext_lazy("Dites pourquoi vous l’annulez.")},
    )
