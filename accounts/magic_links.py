"""Signing in by a mailed link, which only a press of a button, or a program's request, uses up."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts import flow_limits, letters, mailed_links, mails
from accounts.link_models import LinkKind, MailedLink
from accounts.models import User


def request(email: str) -> None:
    """Mail a link, or that there is no such account; the caller sees no difference, and it costs the same.

    An address that was never proven gets the link that proves it: what was signed up for with it may
    be somebody else's doing.
    """
    if not flow_limits.may_mail(LinkKind.SIGN_IN, email):
        return
    proven = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
    with transaction.atomic():
        user = User.objects.filter(email=email, is_active=True).annotate(proven=Exists(proven)).first()
        kind = LinkKind.SIGN_IN if user is None or user.proven else LinkKind.VERIFY
        link = mailed_links.issue(kind, email, user)
        mails.send(_letter(user, kind, link), email)


def find(secret: str) -> tuple[MailedLink, User]:
    """The link and whom it would sign in; raises InvalidLink."""
    return mailed_links.find(LinkKind.SIGN_IN, secret)


@transaction.atomic
def use(link: MailedLink) -> None:
    """Use it up, once; raises InvalidLink."""
    mailed_links.use(link)


def _letter(user: User | None, kind: LinkKind, link: str) -> mails.Letter:
    if user is None:
        return letters.nobody_here()
    return letters.sign_in(link) if kind == LinkKind.SIGN_IN else letters.verify(link)
