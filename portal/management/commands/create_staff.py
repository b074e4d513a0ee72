from allauth.account import app_settings
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse

from portal import audit
from portal.models import User


class Command(BaseCommand):
    help = (
        "Open the back office to somebody: makes their account if there is none, and prints the page, valid three "
        "days, where they choose their password. The second factor is asked for at their first sign-in."
    )

    def add_arguments(self, parser):
        parser.add_argument("email")

    def handle(self, *, email, **options):
        user = _make_staff(_checked(email))
        self.stdout.write(f"{user.email} may enter the back office.")
        if not user.has_usable_password():
            self.stdout.write(f"To choose a password: {_link(user)}")


def _checked(email: str) -> str:
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(f"{email!r} is not an e-mail address.") from None
    return email.lower()


@transaction.atomic
def _make_staff(email: str) -> User:
    user = User.objects.filter(email=email).first() or User.objects.create_user(email)
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
        audit.record(kind="account.made_staff", by="system:create_staff", subject=user)
    # Whoever runs this vouches for the address: the link below is given by hand.
    EmailAddress.objects.update_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    return user


def _link(user: User) -> str:
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    where = {"uidb36": user_pk_to_url_str(user), "key": token}
    return settings.SITE_URL + reverse("account_reset_password_from_key", kwargs=where)
