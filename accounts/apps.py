from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Organizations and people"

    def ready(self) -> None:
        from allauth.account.signals import user_logged_in
        from allauth.usersessions.signals import on_user_logged_in

        from accounts.authentication import browser_sessions, mfa_checks, user_events  # noqa: F401
        from accounts.drf import checks  # noqa: F401
        from accounts.organizations import plan_changes  # noqa: F401

        # It stores the key of a session as it is; browser_sessions stores the key's digest.
        user_logged_in.disconnect(on_user_logged_in)
