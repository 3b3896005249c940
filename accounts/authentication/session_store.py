"""Session engine that stores a digest of the session key, so that a leaked table gives no access.

``session_key`` of a store is the cookie's value, as Django has it; that of a row is ``digest`` of it.
Only the synchronous methods are overridden, because the server is WSGI.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

# Django's and allauth's columns hold 40 characters: 160 bits of SHA-256, about as many as a key has.
LENGTH = 40


def digest(session_key: str) -> str:
    return sha256(session_key.encode(errors="replace")).hexdigest()[:LENGTH]


def stored_key(session: SessionBase) -> str | None:
    """The key of the session's rows, Django's and allauth's; None if it has none."""
    return digest(session.session_key) if session.session_key else None


class SessionStore(db.SessionStore):
    """``settings.SESSION_ENGINE``. Django's salt for the data has the name of the class in it: keep it."""

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = digest(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(digest(key))

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        """Called by ``load``. A key without a row is replaced by a new one."""
        stored = self.model.objects.filter(session_key=digest(self.session_key or ""))
        found: AbstractBaseSession | None = stored.filter(expire_date__gt=timezone.now()).first()
        if found is None:
            self._session_key = None
        return found
