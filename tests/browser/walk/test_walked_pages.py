"""Every page is in the walks, or this list says why it is not."""

from __future__ import annotations

import pytest
from django.urls import resolve

from accounts.drf.routes import routes
from accounts.models import Membership
from tests.browser.walk import test_account_pages as account_pages
from tests.browser.walk.furnishing import furnish

pytestmark = pytest.mark.django_db(transaction=True)

# Django's own admin, which our staff use.
OUTSIDE = ("admin/",)
ACTION = "It takes a POST and answers with a redirect, or with a page that is walked."
BY_LINK = "The walk over account pages opens it by the link of a mail."
BY_FORM = "A walk reaches it by a form."
FILE = "It answers with a file or with JSON."
PROVIDER = "It leads to a provider, or back from one."
REDIRECT = "It answers with a redirect."
SAME_FIELDS = "It has the fields of the page that changes a password."
NOT_WALKED = {
    "": REDIRECT,
    "accounts/2fa/authenticate/": BY_FORM,
    "accounts/2fa/recovery-codes/download/": FILE,
    "accounts/2fa/webauthn/login/": FILE,
    "accounts/invitations/": REDIRECT,
    "accounts/magic-link/<str:secret>": BY_LINK,
    "accounts/password/reset/key/<str:secret>": BY_LINK,
    "accounts/password/set/": SAME_FIELDS,
    **{
        f"accounts/{slug}/{path}/": PROVIDER
        for slug in ("google", "microsoft")
        for path in ("login", "login/callback", "reauthenticate", "connect", "disconnect")
    },
    "settings/audit-log/export.csv": FILE,
    "settings/audit-log/export.json": FILE,
    "settings/clients/<str:client_id>/secret/": BY_FORM,
    "settings/members/invitations/<str:invitation_id>/resend/": ACTION,
    "settings/members/invitations/<str:invitation_id>/revoke/": ACTION,
    "settings/members/invite/": ACTION,
    "settings/organization/metadata/": ACTION,
    "settings/organization/policies/": ACTION,
    "settings/organization/rename/": ACTION,
    "settings/security/browsers/<int:browser_id>/end/": ACTION,
    "settings/security/end-all/": ACTION,
    "settings/security/end-others/": ACTION,
    "settings/security/sessions/<str:session_id>/end/": ACTION,
    "settings/switch-organization/": ACTION,
    "settings/theme/": ACTION,
    "settings/tokens/<str:token_id>/created/": BY_FORM,
    "settings/tokens/<str:token_id>/first-call/": FILE,
    "settings/tokens/<str:token_id>/rotated/": BY_FORM,
    "settings/tokens/search/": ACTION,
    "settings/usage/export.csv": FILE,
}


def test_every_page_is_walked_or_says_why_not(acme: Membership) -> None:
    of_account = (account_pages.GUEST, account_pages.INSIDE, account_pages.PROVED, account_pages.FACTORS)
    addresses = [*furnish(acme), *(address for group in of_account for address in group)]
    walked = {resolve(address.partition("?")[0]).route for address in addresses}
    pages = {
        route.path
        for route in routes()
        if not (route.is_api or route.is_public or route.path.startswith(OUTSIDE))
    }
    unlisted = pages - walked - NOT_WALKED.keys()
    assert not unlisted, (
        f"Add an address of {sorted(unlisted)} to furnish() in furnishing.py, or say in NOT_WALKED why not."
    )
    assert not NOT_WALKED.keys() - pages, "These pages are gone: take them out."
    assert not NOT_WALKED.keys() & walked, "These pages are walked: take them out."
