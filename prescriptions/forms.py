"""What a patient fills in about prescriptions."""

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.reasons import Refused
from prescriptions.files import photos


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class PagesField(forms.FileField):
    """Several files, each made safe: `cleaned_data` holds photos.Page. One error a file that cannot be taken."""

    widget = ManyFilesInput(attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf"})

    def clean(self, data, initial=None):
        files = [super(PagesField, self).clean(item, initial) for item in data or [None]]
        if len(files) > photos.MAX_FILES:
            raise forms.ValidationError(
                ngettext("%(n)s photo au plus.", "%(n)s photos au plus. Choisissez les pages utiles.", photos.MAX_FILES)
                % {"n": photos.MAX_FILES}
            )
        pages, errors = [], []
        for place, file in enumerate(files, start=1):
            try:
                pages.append(photos.clean(file))
            except Refused as refused:
                errors.append(self._error(refused, place, len(files)))
        if errors:
            raise forms.ValidationError(errors)
        if reason := photos.why_not_together(pages):
            raise forms.ValidationError(reason.sentence, code=reason.code)
        return pages

    @staticmethod
    def _error(refused: Refused, place: int, count: int) -> forms.ValidationError:
        sentence = refused.reason.sentence
        if count > 1:
            sentence = _("Fichier %(place)s : %(sentence)s") % {"place": place, "sentence": sentence}
        return forms.ValidationError(sentence, code=refused.reason.code)


class UploadForm(forms.Form):
    files = PagesField(
        label=gettext_lazy("Photo de l’ordonnance"),
        help_text=gettext_lazy(
            "Une photo par page, nette et bien à plat : 5 au plus, 10 Mo chacune (JPEG, PNG, WebP), ou un PDF."
        ),
        error_messages={
            "required": gettext_lazy("Choisissez une photo ou un PDF de votre ordonnance."),
            "empty": gettext_lazy("Ce fichier est vide. Choisissez-le à nouveau."),
        },
    )
    title = forms.CharField(
        label=gettext_lazy("Pour quoi ?"),
        help_text=gettext_lazy("Quelques mots pour la retrouver, par exemple « Ordonnance du dentiste »."),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    authored_on = forms.DateField(
        label=gettext_lazy("Date écrite sur l’ordonnance"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": gettext_lazy("Écrivez la date comme 27/11/2026, ou laissez vide.")},
    )
    key = forms.CharField(widget=forms.HiddenInput, max_length=60, required=False)

    def clean_authored_on(self):
        day = self.cleaned_data["authored_on"]
        if day and day > timezone.localdate():
            raise forms.ValidationError(_("Cette date est dans l’avenir. Vérifiez-la, ou laissez vide."))
        return day
