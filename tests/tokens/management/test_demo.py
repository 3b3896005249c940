"""`manage.py demo` makes a superuser and prints its password, which is for a laptop."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User

pytestmark = pytest.mark.django_db


def test_it_refuses_under_production_settings(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="DEBUG=False"):
        call_command("demo")
    assert not User.objects.exists()
    assert capsys.readouterr().out == ""


def test_it_shows_how_to_sign_in_elsewhere(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.VAR_DIR = tmp_path
    call_command("demo")
    assert "/accounts/login/" in capsys.readouterr().out
