"""What patients fill in. Each refusal says what to do; what was typed is kept."""

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal import moments
from portal.idempotency import new_key
from prescriptions.models import Prescription
from sharing import policies
from sharing.models import Pharmacy

DATETIME_LOCAL = "%Y-%m-%dT%H:%M"


class PharmacyForm(forms.Form):
    """Which pharmacy. A foreign, closed, blocked or unequipped one is refused beside the list."""

    pharmacy = forms.UUIDField(
        label=gettext_lazy("Pharmacie"),
        error_messages={
            "required": gettext_lazy("Choisissez une pharmacie dans la liste."),
            "invalid": gettext_lazy("Choisissez une pharmacie dans la liste."),
        },
    )

    def __init__(self, *args, prescription: Prescription, moves=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.prescription, self.moves = prescription, moves

    def clean_pharmacy(self) -> Pharmacy:
        pharmacy = Pharmacy.objects.filter(pk=self.cleaned_data["pharmacy"]).prefetch_related("mailboxes").first()
        if pharmacy is None:
            raise forms.ValidationError(_("Nous ne trouvons pas cette pharmacie. Choisissez-en une dans la liste."))
        reason = policies.why_not_receive(pharmacy, self.prescription)
        if reason:
            raise forms.ValidationError(reason.sentence, code=reason.code)
        if self.moves and self.moves.pharmacy_id == pharmacy.pk:
            raise forms.ValidationError(
                _("C’est déjà à cette pharmacie que l’ordonnance est envoyée. Choisissez-en une autre.")
            )
        return pharmacy


class PlaceForm(forms.Form):
    """Where somebody is, to about a hundred metres: enough to say « à 850 m ». Used once, kept nowhere."""

    lat = forms.FloatField(min_value=-90, max_value=90)
    lon = forms.FloatField(min_value=-180, max_value=180)

    def near(self) -> tuple[float, float]:
        return round(self.cleaned_data["lat"], 3), round(self.cleaned_data["lon"], 3)


class DayField(forms.DateField):
    """A day, typed or chosen; or none."""

    def __init__(self, **kwargs):
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "input-short"})
        super().__init__(required=False, widget=widget, input_formats=["%Y-%m-%d", "%d/%m/%Y"], **kwargs)


class WordsField(forms.CharField):
    """Words for a pharmacy: counted as people count, a line break for one."""

    widget = forms.Textarea

    def to_python(self, value):
        return super().to_python(value).replace("\r\n", "\n")

    def validate(self, value):
        super().validate(value)
        reason = policies.why_message_too_long(value)
        if reason:
            raise forms.ValidationError(reason.sentence, code=reason.code)

    def widget_attrs(self, widget):
        return {"rows": 5, "data-count": policies.MESSAGE_MAX}


class MessageForm(forms.Form):
    message = WordsField(
        required=False,
        label=gettext_lazy("Votre message"),
        help_text=gettext_lazy("1 000 caractères au plus. La pharmacie le lit avec l’ordonnance."),
    )
    wished_at = forms.DateTimeField(
        required=False,
        label=gettext_lazy("Quand pensez-vous venir ?"),
        help_text=gettext_lazy("Jour et heure, à peu près. Laissez vide si vous ne savez pas encore."),
        input_formats=[DATETIME_LOCAL, "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y %H:%M"],
        widget=forms.DateTimeInput(format=DATETIME_LOCAL, attrs={"type": "datetime-local"}),
        error_messages={
            "invalid": gettext_lazy("Indiquez un jour et une heure, par exemple 28/11/2026 17:30, ou laissez vide.")
        },
    )

    def __init__(self, *args, prescription: Prescription, **kwargs):
        super().__init__(*args, **kwargs)
        self.prescription = prescription
        now = timezone.localtime()
        self.fields["wished_at"].widget.attrs["min"] = now.strftime(DATETIME_LOCAL)

    def clean_wished_at(self):
        wished_at = self.cleaned_data["wished_at"]
        if wished_at is None:
            return None
        if wished_at < timezone.now():
            raise forms.ValidationError(_("Ce moment est déjà passé. Choisissez-en un à venir, ou laissez vide."))
        self._refuse_too_late(wished_at)
        return wished_at

    def _refuse_too_late(self, wished_at) -> None:
        end = self.prescription.valid_until
        if end and timezone.localtime(wished_at).date() > end:
            raise forms.ValidationError(
                _("L’ordonnance est valable jusqu’au %(day)s. Choisissez un jour avant cette date.")
                % {"day": moments.day(end)}
            )
        if wished_at > timezone.now() + policies.WITHIN:
            raise forms.ValidationError(_("Choisissez un jour dans les trois mois qui viennent."))


class CheckForm(forms.Form):
    key = forms.CharField(max_length=80, widget=forms.HiddenInput)


class ThreadForm(forms.Form):
    """The patient writes in the thread. Pressed twice, it is one message: `key`."""

    text = WordsField(
        label=gettext_lazy("Votre message à la pharmacie"),
        error_messages={"required": gettext_lazy("Écrivez votre message avant de l’envoyer.")},
    )
    key = forms.CharField(max_length=80, widget=forms.HiddenInput, initial=new_key)
