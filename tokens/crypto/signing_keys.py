"""Signing keys: a file of private JWKs shared by all instances, and read again when it changes."""

from __future__ import annotations

import fcntl
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from django.conf import settings
from jwt.algorithms import ECAlgorithm

from accounts.crypto import secret_files

ALGORITHM = "ES256"
# Clients may cache the published key set this long, so a new key signs only after it.
JWKS_MAX_AGE = 300
# Processes check the file this often, and for every unknown key id.
CHECK_SECONDS = 1.0
# The most that a process may lag behind the file, or a server's clock behind another's.
MARGIN = 10
PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "kid", "use", "alg")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Times are epoch seconds. ``signs_until`` and ``verifies_until`` are None for the newest key."""

    kid: str
    private: EllipticCurvePrivateKey
    public: EllipticCurvePublicKey
    signs_from: int
    signs_until: int | None
    verifies_until: int | None
    jwk: dict[str, str]


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys in the order of their creation."""

    keys: dict[str, SigningKey]
    stamp: tuple[int, int]

    def signing(self, now: float) -> SigningKey:
        """Return the newest key that has been published for long enough."""
        oldest, *newer = self.keys.values()
        return next((key for key in reversed(newer) if key.signs_from <= now), oldest)

    def verifying(self, kid: str, now: float) -> SigningKey | None:
        key = self.keys.get(kid)
        return key if key and (key.verifies_until is None or now < key.verifies_until) else None

    def public_jwks(self, now: float) -> dict[str, list[dict[str, str]]]:
        """Return the public keys (RFC 7517) that verify at ``now``."""
        active = [key for key in self.keys.values() if self.verifying(key.kid, now)]
        return {"keys": [key.jwk for key in sorted(active, key=lambda key: -key.signs_from)]}


class _Ring:
    """This process's copy of the file, and the time of the last check."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.current: KeySet | None = None
        self.path: Path | None = None
        self.checked_at = 0.0

    def get(self, *, check: bool = False) -> KeySet:
        path, now = Path(settings.JWT_SIGNING_KEYS_FILE), time.monotonic()
        checked_lately = now - self.checked_at < CHECK_SECONDS and not check
        if self.current is not None and self.path == path and checked_lately:
            return self.current
        with self.lock:
            self.checked_at = now
            secret_files.read_or_create(path, lambda: _written([_new_entry(int(time.time()))]))
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if self.current is None or self.path != path or self.current.stamp != stamp:
                self.current, self.path = _read(path, stamp), path
            return self.current


_ring = _Ring()


def current() -> KeySet:
    return _ring.get()


def verifying(kid: str, now: float) -> SigningKey | None:
    """Return the key of that id. For an unknown id the file is checked again."""
    return current().verifying(kid, now) or _ring.get(check=True).verifying(kid, now)


def rotate(now: int, *, longest_lifetime: int, at_once: bool = False) -> SigningKey:
    """Add a key, which signs after JWKS_MAX_AGE, and delete expired ones.

    With ``at_once`` it signs now and all earlier keys are deleted, because they may have been disclosed:
    every process refuses their tokens within CHECK_SECONDS. ``longest_lifetime`` is for how many seconds a
    token may be accepted after it was signed.
    """
    path = Path(settings.JWT_SIGNING_KEYS_FILE)
    current()
    with _exclusively(path):
        entries: list[dict[str, Any]] = json.loads(path.read_text())["keys"]
        starts = now if at_once else now + JWKS_MAX_AGE + MARGIN
        if at_once:
            entries = []
        # A key that would start after this one has signed nothing, and must not sign later.
        entries = [entry for entry in entries if entry["signs_from"] <= starts] or entries[:1]
        for entry in entries:
            if entry["verifies_until"] is None:
                entry["verifies_until"] = starts + MARGIN + longest_lifetime
        entries = [entry for entry in entries if entry["verifies_until"] > now]
        fresh = _new_entry(starts)
        secret_files.write(path, _written([*entries, fresh]), replace=True)
    return _ring.get(check=True).keys[fresh["kid"]]


@contextmanager
def _exclusively(path: Path) -> Iterator[None]:
    """Lock the file, because concurrent rotations would lose a key."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _written(entries: list[dict[str, Any]]) -> str:
    return json.dumps({"keys": entries}, indent=1)


def _new_entry(signs_from: int) -> dict[str, Any]:
    jwk: dict[str, Any] = ECAlgorithm.to_jwk(generate_private_key(SECP256R1()), as_dict=True)
    jwk |= {"kid": secrets.token_urlsafe(12), "use": "sig", "alg": ALGORITHM}
    return jwk | {"signs_from": signs_from, "verifies_until": None}


def _read(path: Path, stamp: tuple[int, int]) -> KeySet:
    keys = {}
    entries = json.loads(path.read_text())["keys"]
    for entry, successor in zip_longest(entries, entries[1:]):
        private = ECAlgorithm(ECAlgorithm.SHA256).from_jwk(entry)
        if not isinstance(private, EllipticCurvePrivateKey):
            raise ValueError(f"JWT_SIGNING_KEYS_FILE {path} holds a key that cannot sign.")
        keys[entry["kid"]] = SigningKey(
            kid=entry["kid"],
            private=private,
            public=private.public_key(),
            signs_from=entry["signs_from"],
            signs_until=successor["signs_from"] if successor else None,
            verifies_until=entry["verifies_until"],
            jwk={name: entry[name] for name in PUBLIC_MEMBERS},
        )
    return KeySet(keys, stamp)
