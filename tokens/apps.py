from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "tokens"
    verbose_name = "Credentials"

    def ready(self) -> None:
        from tokens import endings, policies

        endings.connect()
        policies.connect()
