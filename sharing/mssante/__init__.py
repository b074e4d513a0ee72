"""Secure messaging (MSSanté): the only package that knows SMTP and IMAP. No foreign exception or type leaves it.

Profile: a mailbox of an application, authenticated by its certificate (mutual TLS); a Pro Santé Connect token where the
operator asks for one (ANS, Référentiel socle MSSanté #2: CONF.07).
"""

from sharing.mssante.account import Account, crl_ends_at, is_configured, portal_account
from sharing.mssante.incoming import CannotFetch, Place, open_inbox
from sharing.mssante.outcome import Kind, SendOutcome, Stage
from sharing.mssante.sending import hang_up, hang_up_all, send

__all__ = [
    "Account",
    "CannotFetch",
    "Kind",
    "Place",
    "SendOutcome",
    "Stage",
    "crl_ends_at",
    "hang_up",
    "hang_up_all",
    "is_configured",
    "open_inbox",
    "portal_account",
    "send",
]
