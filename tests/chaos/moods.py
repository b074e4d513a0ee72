"""The ways a mail server may go wrong: by lot, message by message, or in a mood that holds for all for some seconds."""

from tests.fakes.sink import DRIP, DROP, GARBAGE, HANG, TAKE_AND_DROP, TAKE_AND_HANG

# fault → what is said at which stage, and how often a message meets it
ANYWHERE = ("connect", "plain-ehlo", "starttls", "ehlo", "mail", "rcpt", "data", "dot")
LOTS = {
    "smtp-drop": (DROP, ANYWHERE, 0.004),
    "smtp-hang": (HANG, ANYWHERE, 0.001),
    "smtp-drip": (DRIP, ANYWHERE, 0.001),
    "smtp-garbage": (GARBAGE, ANYWHERE, 0.002),
    "smtp-4xx": ("451 4.3.0 Later", (*ANYWHERE, "dot", "rcpt"), 0.008),
    "smtp-accept-drop": (TAKE_AND_DROP, ("dot",), 0.02),
    "smtp-accept-hang": (TAKE_AND_HANG, ("dot",), 0.005),
    "smtp-421-at-quit": ("421 4.3.2 Going", ("quit",), 0.5),
    "smtp-drop-at-quit": (DROP, ("quit",), 0.3),
}
# mood → what is said at which stages while it lasts; what is not said but done: ChaosSink.change_mood
MOODS = {
    "smtp-refuse": {},
    "smtp-5xx-all-greeting": {"connect": "554 5.3.2 Not now"},
    "smtp-5xx-all-sender": {"mail": "550 5.7.1 Not from you"},
    "smtp-5xx-all-recipients": {"rcpt": "550 5.1.1 Unknown", "own-rcpt": "550 5.1.1 Unknown"},
    "smtp-5xx-all-content": {"dot": "554 5.6.0 Not this"},
    "smtp-no-starttls": {},
    "smtp-wrong-certificate": {},
    "smtp-expired-certificate": {},
}
