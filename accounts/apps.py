from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Organizations and people"

    def ready(self) -> None:
        from accounts import checks, mfa_checks, people_trail, plans  # noqa: F401
