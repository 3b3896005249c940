"""Users, organizations and memberships, and the rows that belong to them."""

from accounts.audit.models import AuditChain, AuditEvent
from accounts.models.index import EndUser, EndUserCount, Index
from accounts.models.invitation import Invitation
from accounts.models.known_network import KnownNetwork
from accounts.models.mailed_claim import MailedClaim, MailedLink
from accounts.models.membership import Membership
from accounts.models.notice import Notice, NoticeKind
from accounts.models.organization import PUBLISHABLE_PREFIX, Organization, new_publishable_key
from accounts.models.outbox import OutboxMail
from accounts.models.staff_note import StaffNote
from accounts.models.support_session import SupportSession
from accounts.models.user import User, UserManager

__all__ = [
    "PUBLISHABLE_PREFIX",
    "AuditChain",
    "AuditEvent",
    "EndUser",
    "EndUserCount",
    "Index",
    "Invitation",
    "KnownNetwork",
    "MailedClaim",
    "MailedLink",
    "Membership",
    "Notice",
    "NoticeKind",
    "Organization",
    "OutboxMail",
    "StaffNote",
    "SupportSession",
    "User",
    "UserManager",
    "new_publishable_key",
]
