"""What is given to be verified: the text of a code or a number, or a picture of a code."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.reasons import Refused
from prescriptions.code import scan

MAX_CHARACTERS = 4296  # the most a QR of letters and digits can hold


class TextOrPicture:
    """One of the two is enough: neither is shown as optional, and the form says when both are missing."""

    def validate(self, value):
        pass


class TextField(TextOrPicture, forms.CharField):
    pass


class PictureField(TextOrPicture, forms.FileField):
    pass


class VerifyForm(forms.Form):
    """`cleaned_data["given"]` is what to check."""

    use_required_attribute = False
    text = TextField(
        label=gettext_lazy("Code ou numéro"),
        help_text=gettext_lazy(
            "Le lecteur de codes écrit ici. Vous pouvez aussi coller le texte du code, ou taper le numéro."
        ),
        strip=False,
        max_length=MAX_CHARACTERS,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "autocorrect": "off",
                "spellcheck": "false",
                "class": "mono",
                "data-scan-into": "",
            }
        ),
    )
    picture = PictureField(
        label=gettext_lazy("Ou une photo du code"),
        help_text=gettext_lazy("JPEG, PNG ou WebP, 10 Mo au plus. Elle est lue, puis oubliée."),
        widget=forms.FileInput(attrs={"accept": "image/*"}),
    )

    def clean(self):
        given = self.cleaned_data.get("text", "").strip()
        picture = self.cleaned_data.get("picture")
        if picture and not given:
            given = self._read(picture)
        elif not given and not self.errors:
            self.add_error("text", _("Donnez un code, un numéro ou une photo du code."))
        return self.cleaned_data | {"given": given}

    def _read(self, picture) -> str:
        try:
            return scan.text_in_picture(picture)
        except Refused as refused:
            self.add_error("picture", forms.ValidationError(refused.reason.sentence, code=refused.reason.code))
            return ""
