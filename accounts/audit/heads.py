"""Signed heads of the hash chains, published so that a truncated log is detected.

The chain shows altered and missing rows, but not that its newest rows were deleted and its end set back. A
head is a statement, signed with a key outside the database, of how far a chain had grown, with which hash.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from accounts import typeid
from accounts.audit.models import AuditChain
from accounts.crypto import secret_files

MARK = "tessera-audit-head"
# Hexadecimal, so that a log line shows it: other random text is masked there.
FORM = re.compile(
    MARK + r" 1 (?P<organization>org_[0-9a-z]{26}) (?P<sequence>\d{1,18}) (?P<hash>[0-9a-f]{64})"
    r" (?P<signed_at>[0-9TZ:.-]{20,32}) (?P<key>[0-9a-f]{64}) (?P<signature>[0-9a-f]{128})",
    re.ASCII,
)
# Between two daily files, a busy organization's head is logged after this many events.
LOG_EVERY = 1_000

logger = logging.getLogger("tessera.audit")


@dataclass(frozen=True, slots=True)
class Head:
    """``text`` is what is handed out: all fields, and last the Ed25519 signature of those before it."""

    organization_id: UUID
    sequence: int
    hash: bytes
    key: str
    text: str

    def is_signed_by(self, public_key: str) -> bool:
        signed, _, signature = self.text.rpartition(" ")
        try:
            verifier = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
            verifier.verify(bytes.fromhex(signature), signed.encode())
        except (InvalidSignature, ValueError):
            return False
        return self.key == public_key


def current(organization_id: UUID, now: datetime) -> Head:
    """Sign how far the organization's chain has grown."""
    chain = AuditChain.objects.filter(pk=organization_id).first() or AuditChain(pk=organization_id)
    return sign(organization_id, chain.sequence, bytes(chain.head), now)


def sign(organization_id: UUID, sequence: int, head: bytes, now: datetime) -> Head:
    key, public = _private_key(settings.AUDIT_SIGNING_KEY_FILE), public_key()
    signed = f"{MARK} 1 {typeid.encode('org', organization_id)} {sequence} {head.hex()} {_instant(now)}"
    signed += f" {public}"
    return Head(organization_id, sequence, head, public, f"{signed} {key.sign(signed.encode()).hex()}")


def found_in(text: str) -> Iterator[Head | None]:
    """Every text in the form of a head, whose signature is not checked; None for one of no organization.

    The mark alone is no head: people may write it into a name, and a stranger into a log line.
    """
    for found in FORM.finditer(text):
        try:
            organization_id = typeid.decode("org", found["organization"])
        except ValueError:
            yield None
            continue
        sequence, digest = int(found["sequence"]), bytes.fromhex(found["hash"])
        yield Head(organization_id, sequence, digest, found["key"], found.group())


def log(organization_id: UUID, sequence: int, head: bytes, now: datetime) -> None:
    logger.info(sign(organization_id, sequence, head, now).text)


def write_daily(now: datetime) -> None:
    """Write today's file of all organizations' heads, once, and log the file's own digest."""
    folder = Path(settings.AUDIT_HEADS_FOLDER)
    path = folder / f"audit-heads-{now:%Y-%m-%d}.txt"
    if path.exists():
        return
    chains = AuditChain.objects.order_by("pk").values_list("pk", "sequence", "head")
    lines = [sign(pk, sequence, bytes(head), now).text + "\n" for pk, sequence, head in chains]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        secret_files.write(path, "".join(lines), replace=False)
    except OSError as problem:
        logger.warning("The audit heads cannot be written to AUDIT_HEADS_FOLDER: %r", problem)
        return
    logger.info("%s audit heads were written to %s, signed by %s", len(lines), path.name, public_key())


def public_key() -> str:
    return _private_key(settings.AUDIT_SIGNING_KEY_FILE).public_key().public_bytes_raw().hex()


@cache
def _private_key(file: str) -> Ed25519PrivateKey:
    text = secret_files.read_or_create(Path(file), lambda: secrets.token_bytes(32).hex())
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.strip()))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
