from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "tokens"
    verbose_name = "Credentials"

    def ready(self) -> None:
        from tokens import deleting, endings, policies, second_factors

        deleting.connect()
        endings.connect()
        policies.connect()
        second_factors.connect()
