"""Mails that the requests of a test have sent, and what their links hold."""

from __future__ import annotations

import json
import re
from typing import Any

from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client, TestCase

LINK = re.compile(r"https?://\S+")


class MailingClient(Client):
    """A browser or a program whose requests commit: inside a test's own transaction no mail would leave."""

    def request(self, **request: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            return super().request(**request)

    def send_json(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        return self.post(path, json.dumps(body), content_type="application/json", headers=headers)


def last_mail() -> EmailMessage:
    return mail.outbox[-1]


def link_of(message: EmailMessage) -> str:
    """The first link of the mail."""
    found = LINK.search(str(message.body))
    assert found is not None, message.body
    return found[0]


def path_of(message: EmailMessage) -> str:
    return "/" + link_of(message).split("/", 3)[3]


def secret_of(message: EmailMessage) -> str:
    """What programs send as ``token``: the link's last part."""
    return link_of(message).rstrip("/").rsplit("/", 1)[1]
