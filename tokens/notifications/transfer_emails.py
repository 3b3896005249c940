"""Emails about transferred credentials, and about secrets that a former member knows."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.urls import reverse

from accounts.models import Membership
from accounts.notifications.email import Email, defang
from tokens.models import OAuthClient, ServiceAccountToken

ROTATE = "Give each of them a new secret on its page, and change the programs that use it."


def transferred(
    recipient: Membership,
    by: str,
    former: str,
    tokens: Sequence[ServiceAccountToken],
    clients: Sequence[OAuthClient],
) -> Email:
    """Inform the new responsible member, who may revoke the credentials."""
    organization = defang(recipient.organization.name)
    page = reverse("clients") if clients and not tokens else reverse("tokens")
    if len(tokens) == 1 and not clients:
        page = reverse("token_detail", args=[tokens[0].public_id])
    sentence = (
        f"{defang(by)} has made you responsible for what {defang(former)} was responsible for in "
        f"{organization}. {defang(former)} may still know the secrets: replace them soon."
    )
    return Email(
        f"You are now responsible for credentials in {organization}",
        (sentence,),
        f"{settings.BASE_URL}{page}",
        "See them",
        ("If you do not want to be responsible for one of them, revoke it on its page.",),
        (
            *((defang(one.name), "API token") for one in tokens),
            *((defang(one.name), "OAuth client") for one in clients),
        ),
    )


def known_tokens(tokens: Sequence[ServiceAccountToken], former: str) -> Email:
    """Inform the owners who still knows these tokens' secrets after losing access."""
    organization = defang(tokens[0].organization.name)
    sentence = (
        f"{defang(former)} has lost access to {organization}, but was shown secrets of these API tokens, "
        f"which go on working. {ROTATE}"
    )
    return Email(
        f"Rotate API tokens in {organization}",
        (sentence,),
        f"{settings.BASE_URL}{reverse('tokens')}",
        "See the tokens",
        (),
        tuple((defang(one.name), f"Known to {defang(former)}") for one in tokens),
    )


def known_clients(clients: Sequence[OAuthClient], former: str) -> Email:
    """Inform the owners that a former member knows these clients' secrets."""
    organization = defang(clients[0].organization.name)
    sentence = (
        f"{defang(former)} has lost access to {organization}, but was shown the secrets of these OAuth "
        f"clients, which go on working. {ROTATE}"
    )
    return Email(
        f"Rotate the secrets of OAuth clients in {organization}",
        (sentence,),
        f"{settings.BASE_URL}{reverse('clients')}",
        "See the clients",
        (),
        tuple((defang(one.name), "Known to a former member") for one in clients),
    )
