"""No module but the outbox's transport sends mail, however it would be done."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRANSPORT = "accounts/notifications/transport.py"
SENDERS = ("django.core.mail", "smtplib", "email.mime", "anymail")
# Of Django, its base user, and allauth.
CALLS = {
    "send_mail",
    "send_mass_mail",
    "mail_admins",
    "mail_managers",
    "email_user",
    "EmailMessage",
    "AdminEmailHandler",
}


@cache
def modules() -> list[tuple[str, ast.Module]]:
    folders = (ROOT / name for name in ("accounts", "config", "ratelimit", "tokens"))
    paths = (path for folder in folders for path in folder.rglob("*.py"))
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in paths]


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", ""))


def test_only_the_transport_imports_a_sender() -> None:
    found = {path for path, tree in modules() if any(name.startswith(SENDERS) for name in imported(tree))}
    assert found == {TRANSPORT}


def test_only_the_outbox_uses_the_transport() -> None:
    users = {path for path, tree in modules() if "accounts.notifications.transport.send" in imported(tree)}
    whole = {path for path, tree in modules() if "accounts.notifications.transport" in imported(tree)}
    assert users == {"accounts/notifications/outbox.py"}
    assert whole - users == {
        "accounts/notifications/threads.py",
        "tokens/management/commands/housekeeping.py",
    }


def test_nothing_calls_what_sends_mail_elsewhere() -> None:
    found = {(path, name) for path, tree in modules() for name in called(tree) if name in CALLS}
    assert found == set()


def test_allauth_sends_nothing_itself() -> None:
    adapter = ast.parse((ROOT / "accounts/pages/adapters.py").read_text())
    [refusing] = [node for node in ast.walk(adapter) if getattr(node, "name", "") == "send_mail"]
    assert isinstance(refusing, ast.FunctionDef)
    assert isinstance(refusing.body[-1], ast.Raise)
