"""Secure messaging (MSSanté): the only package that knows SMTP and IMAP. No foreign exception or type leaves it.

Profile: a mailbox of an application, authenticated by its certificate (mutual TLS); a Pro Santé Connect token where the
operator asks for one (interop §1.1).
"""

from sharing.mssante.account import ALARM_DAYS, Account, days_left, is_configured, portal_account
from sharing.mssante.incoming import CannotFetch, fetch_new
from sharing.mssante.outcome import Kind, SendOutcome, Stage
from sharing.mssante.sending import hang_up, hang_up_all, send

__all__ = [
    "ALARM_DAYS",
    "Account",
    "CannotFetch",
    "Kind",
    "SendOutcome",
    "Stage",
    "days_left",
    "fetch_new",
    "hang_up",
    "hang_up_all",
    "is_configured",
    "portal_account",
    "send",
]
