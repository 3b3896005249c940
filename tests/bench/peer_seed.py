"""Fills the peers' tables and prints what their clients send, one JSON object: name -> headers' values."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from knox.models import AuthToken  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework_api_key.models import APIKey  # noqa: E402
from rest_framework_simplejwt.tokens import AccessToken  # noqa: E402

rows, used = int(sys.argv[1]), int(sys.argv[2])
users = User.objects.bulk_create([User(username=f"u{n}", password="!") for n in range(rows)], batch_size=5000)
tokens = Token.objects.bulk_create(
    [Token(user=user, key=Token.generate_key()) for user in users], batch_size=5000
)
some = users[:used]


def jwt(user: User) -> str:
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=timedelta(days=1))
    return str(token)


jwts = [f"Bearer {jwt(user)}" for user in some]
print(
    json.dumps(
        {
            "drf-token": [f"Token {token.key}" for token in tokens[:used]],
            "knox": [f"Token {AuthToken.objects.create(user=user)[1]}" for user in some],
            "api-key": [f"Api-Key {APIKey.objects.create_key(name='bench')[1]}" for _ in some],
            "simplejwt": jwts,
            "simplejwt-stateless": jwts,
        }
    )
)
