"""Signing in by a mailed link, which only a press of a button, or a program's request, uses up."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts import flow_limits, letters, mailed_links
from accounts.link_models import LinkKind, MailedLink
from accounts.models import User

LETTERS = {LinkKind.SIGN_IN: letters.sign_in, LinkKind.VERIFY: letters.verify}


def request(email: str) -> None:
    """Mail a link, or that there is no such account; the caller sees no difference, and it costs the same.

    An address that was never proven gets the link that proves it: what was signed up for with it may
    be somebody else's doing.
    """
    admitted = flow_limits.may_mail(LinkKind.SIGN_IN, email)
    proven = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
    user = User.objects.filter(email=email, is_active=True).annotate(proven=Exists(proven)).first()
    kind = LinkKind.SIGN_IN if user is None or user.proven else LinkKind.VERIFY
    mailed_links.mail(kind, email, user, LETTERS[kind] if user else letters.nobody_here, admitted=admitted)


def find(secret: str) -> tuple[MailedLink, User]:
    """The link and whom it would sign in; raises InvalidLink."""
    return mailed_links.find(LinkKind.SIGN_IN, secret)


@transaction.atomic
def use(link: MailedLink) -> None:
    """Use it up, once; raises InvalidLink."""
    mailed_links.use(link)
