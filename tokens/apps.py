from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "tokens"
    verbose_name = "Credentials"

    def ready(self) -> None:
        from tokens.lifecycle import organization_deletion, policy_changes, receivers, second_factors
        from tokens.pages import audit_log_links

        audit_log_links.connect()
        organization_deletion.connect()
        receivers.connect()
        policy_changes.connect()
        second_factors.connect()
