from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "tokens"
    verbose_name = "Credentials"

    def ready(self) -> None:
        from tokens import audit_links, deleting, endings, policies, second_factors

        audit_links.connect()
        deleting.connect()
        endings.connect()
        policies.connect()
        second_factors.connect()
