"""Signing keys: one file for all processes, rotated without an outage, published without a secret."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from tests.support.clients import program
from tests.support.waiting import PATIENCE
from tests.tokens.crypto.forging import claims_of, header_of
from tests.tokens.oauth.calls import make_program
from tokens.crypto import access_jwt, signing_keys
from tokens.crypto.signing_keys import JWKS_MAX_AGE, MARGIN

LONGEST = 7230


@pytest.fixture(autouse=True)
def key_file(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.JWT_SIGNING_KEYS_FILE = str(tmp_path / "keys" / "signing.json")
    yield Path(settings.JWT_SIGNING_KEYS_FILE)
    signing_keys._ring.current = None


def entries(key_file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(key_file.read_text())["keys"]
    return found


def token(lifetime: int = 7200, now: float | None = None) -> str:
    issued = int(time.time() if now is None else now)
    claims = {"sub": "x", "client_id": "x", "sid": "x", "org": "x", "scope": "", "jti": "x"}
    return access_jwt.encode(**claims, iat=issued, exp=issued + lifetime)


def test_the_first_use_makes_the_file_for_its_owner_alone(key_file: Path) -> None:
    assert signing_keys.current().signing(time.time()).kid == entries(key_file)[0]["kid"]
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert list(key_file.parent.iterdir()) == [key_file]


START_AT_ONCE = """
import sys, time
from pathlib import Path
from django.conf import settings
settings.configure(JWT_SIGNING_KEYS_FILE=sys.argv[1])
from tokens.crypto import signing_keys
while not Path(sys.argv[2]).exists():
    time.sleep(0.001)
print(signing_keys.current().signing(time.time()).kid)
"""


def test_several_processes_that_start_at_once_share_one_key(key_file: Path, tmp_path: Path) -> None:
    gun = tmp_path / "gun"
    command = [sys.executable, "-c", START_AT_ONCE, str(key_file), str(gun)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    gun.touch()
    kids = {process.communicate(timeout=PATIENCE)[0].strip() for process in processes}
    assert kids == {entries(key_file)[0]["kid"]}
    assert list(key_file.parent.iterdir()) == [key_file]


def test_a_new_key_signs_when_others_have_had_time_to_learn_it() -> None:
    now = int(time.time())
    old = signing_keys.current().signing(now)
    new = signing_keys.rotate(now, longest_lifetime=LONGEST)
    assert new.signs_from == now + JWKS_MAX_AGE + MARGIN
    assert [key["kid"] for key in signing_keys.current().public_jwks(now)["keys"]] == [new.kid, old.kid]
    assert signing_keys.current().signing(new.signs_from - 1).kid == old.kid
    assert signing_keys.current().signing(new.signs_from).kid == new.kid


def test_the_old_key_verifies_until_the_last_token_it_signed_is_dead() -> None:
    now = int(time.time())
    old = signing_keys.current().signing(now)
    new = signing_keys.rotate(now, longest_lifetime=7200 + access_jwt.LEEWAY_SECONDS)
    last_signed_at = new.signs_from - 1
    dead = last_signed_at + 7200 + access_jwt.LEEWAY_SECONDS
    assert signing_keys.verifying(old.kid, dead) is not None
    until = new.signs_from + MARGIN + 7200 + access_jwt.LEEWAY_SECONDS
    assert signing_keys.verifying(old.kid, until) is None
    assert [key["kid"] for key in signing_keys.current().public_jwks(until)["keys"]] == [new.kid]
    assert signing_keys.verifying(new.kid, until + 10**6) is not None


def test_a_token_of_the_old_key_works_through_a_rotation() -> None:
    before, now = token(), int(time.time())
    new = signing_keys.rotate(now, longest_lifetime=LONGEST)
    with time_machine.travel(new.signs_from, tick=False):
        after = token()
        assert (header_of(after)["kid"], header_of(before)["kid"] == new.kid) == (new.kid, False)
        assert {access_jwt.decode(one).sub for one in (before, after)} == {"x"}


def test_a_rotation_at_once_refuses_and_unpublishes_every_earlier_key(client: Client) -> None:
    now = int(time.time())
    before = token()
    assert access_jwt.decode(before).sub == "x"
    pending = signing_keys.rotate(now, longest_lifetime=LONGEST)
    new = signing_keys.rotate(now, longest_lifetime=LONGEST, at_once=True)
    assert [key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]] == [new.kid]
    with pytest.raises(access_jwt.InvalidJWT):
        access_jwt.decode(before)
    assert signing_keys.verifying(pending.kid, now) is None
    assert access_jwt.decode(token()).sub == "x"


def test_a_process_that_holds_the_old_keys_refuses_them_at_its_next_look() -> None:
    stale = signing_keys.current()
    leaked = token()
    assert access_jwt.decode(leaked).sub == "x"
    signing_keys.rotate(int(time.time()), longest_lifetime=LONGEST, at_once=True)
    # As in a process that looked at the file a moment before the rotation.
    signing_keys._ring.current, signing_keys._ring.checked_at = (
        stale,
        time.monotonic() - signing_keys.CHECK_SECONDS,
    )
    with pytest.raises(access_jwt.InvalidJWT):
        access_jwt.decode(leaked)


@pytest.mark.parametrize(("after", "accepted"), [(0, True), (access_jwt.LEEWAY_SECONDS, True), (31, False)])
def test_what_claims_to_be_signed_after_the_successor_began_is_refused(after: int, accepted: bool) -> None:
    now = int(time.time())
    old = signing_keys.current().signing(now)
    new = signing_keys.rotate(now, longest_lifetime=LONGEST)
    forged_at = new.signs_from + after
    claims = {"sub": "x", "client_id": "x", "sid": "x", "org": "x", "scope": "", "jti": "x"}
    claims |= {"iss": settings.BASE_URL, "aud": settings.BASE_URL, "iat": forged_at, "exp": forged_at + 60}
    forged = jwt.encode(
        claims, old.private, signing_keys.ALGORITHM, headers={"typ": access_jwt.TYPE, "kid": old.kid}
    )
    if accepted:
        assert access_jwt.decode(forged, forged_at).kid == old.kid
    else:
        with pytest.raises(access_jwt.InvalidJWT):
            access_jwt.decode(forged, forged_at)


@pytest.mark.django_db
def test_a_remembered_token_of_a_leaked_key_is_refused() -> None:
    bearer = program(make_program().grant()["access_token"])
    for _ in range(3):
        assert bearer.get("/api/auth/whoami").status_code == 200
    signing_keys.rotate(int(time.time()), longest_lifetime=LONGEST, at_once=True)
    answer = bearer.get("/api/auth/whoami")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_rotating_again_drops_what_is_dead_and_nothing_else(key_file: Path) -> None:
    now = int(time.time())
    first = signing_keys.current().signing(now)
    second = signing_keys.rotate(now, longest_lifetime=LONGEST)
    third = signing_keys.rotate(now + 60, longest_lifetime=LONGEST)
    assert [entry["kid"] for entry in entries(key_file)] == [first.kid, second.kid, third.kid]
    fourth = signing_keys.rotate(now + JWKS_MAX_AGE + LONGEST + 2 * MARGIN, longest_lifetime=LONGEST)
    assert [entry["kid"] for entry in entries(key_file)] == [second.kid, third.kid, fourth.kid]


def test_two_rotations_in_one_second_leave_the_newest_to_sign() -> None:
    now = int(time.time())
    signing_keys.rotate(now, longest_lifetime=LONGEST, at_once=True)
    newest = signing_keys.rotate(now, longest_lifetime=LONGEST, at_once=True)
    assert signing_keys.current().signing(now).kid == newest.kid


def test_a_key_that_was_overtaken_never_signs() -> None:
    """It would sign after its own verification had ended."""
    now = int(time.time())
    overtaken = signing_keys.rotate(now, longest_lifetime=LONGEST)
    newest = signing_keys.rotate(now + 60, longest_lifetime=LONGEST, at_once=True)
    for later in (60, JWKS_MAX_AGE + MARGIN, LONGEST * 2):
        assert signing_keys.current().signing(now + later).kid == newest.kid
    assert overtaken.kid not in signing_keys.current().keys


def test_rotations_at_once_lose_no_key(key_file: Path) -> None:
    signing_keys.current()
    rotate = "signing_keys.rotate(int(time.time()), longest_lifetime=7230)"
    script = START_AT_ONCE.partition("while")[0] + rotate
    command = [sys.executable, "-c", script, str(key_file), ""]
    processes = [subprocess.Popen(command) for _ in range(5)]
    assert [process.wait(PATIENCE) for process in processes] == [0] * 5
    assert len({entry["kid"] for entry in entries(key_file)}) == 6


def test_a_key_of_another_process_is_found_at_the_first_token_that_names_it(key_file: Path) -> None:
    signing_keys.current()
    mine = signing_keys._ring.current
    made = signing_keys.rotate(int(time.time()), longest_lifetime=LONGEST, at_once=True)
    foreign = token()
    # As in a process that has looked at the file a moment ago, before the rotation.
    signing_keys._ring.current, signing_keys._ring.checked_at = mine, time.monotonic()
    assert made.kid not in signing_keys.current().keys
    assert access_jwt.decode(foreign).sub == "x"


def test_a_process_never_signs_by_a_key_that_it_makes_up(key_file: Path) -> None:
    key_file.parent.mkdir()
    key_file.write_text('{"keys": [{"kty": "oct", "k": "AAAA", "kid": "x"}]}')
    with pytest.raises(Exception, match=r"key|JWK"):
        signing_keys.current()


@pytest.mark.django_db
def test_the_command_says_what_it_did(key_file: Path) -> None:
    importer = make_program()
    before = importer.grant()["access_token"]
    results = io.StringIO()
    call_command("rotate_signing_key", stdout=results)
    old, new = entries(key_file)
    assert results.getvalue().startswith(f"Key {new['kid']} signs from ")
    assert f"Key {old['kid']} verifies until " in results.getvalue()
    assert header_of(importer.grant()["access_token"])["kid"] == old["kid"]
    assert claims_of(before)["exp"] + access_jwt.LEEWAY_SECONDS <= old["verifies_until"]
    call_command("rotate_signing_key", now=True, stdout=results)
    assert "Earlier keys are refused from now on.\n" in results.getvalue()
    [only] = entries(key_file)
    after = importer.grant()["access_token"]
    assert header_of(after)["kid"] == only["kid"] == access_jwt.decode(after).kid
    with pytest.raises(access_jwt.InvalidJWT):
        access_jwt.decode(before)


def test_the_published_set_holds_no_secret_and_may_be_kept(client: Client, key_file: Path) -> None:
    response = client.get("/.well-known/jwks.json")
    [key] = response.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert entries(key_file)[0]["d"] not in response.content.decode()
    assert response["Cache-Control"] == f"public, max-age={JWKS_MAX_AGE}"
    signing_keys.rotate(int(time.time()), longest_lifetime=LONGEST)
    assert len(client.get("/.well-known/jwks.json").json()["keys"]) == 2
    assert client.post("/.well-known/jwks.json").status_code == 405
