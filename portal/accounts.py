from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in with e-mail and password, then a second factor (portal.middleware.require_second_factor)."""
