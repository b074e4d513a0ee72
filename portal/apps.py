from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = _("Portail")

    def ready(self):
        from allauth.mfa.signals import authenticator_added, authenticator_removed

        from portal import accounts, checks, crypto, logs  # noqa: F401 - checks register themselves

        crypto.current_key_id()  # a key that cannot be read stops the site here, not at somebody's page
        authenticator_added.connect(accounts.prove_by_adding)
        authenticator_removed.connect(accounts.forget_when_none_is_left)
        if not (settings.DEMO or settings.TESTING):
            logs.say_what_ends_a_process_or_a_thread()


class BackOfficeConfig(AdminConfig):
    default_site = "portal.back_office.BackOffice"
