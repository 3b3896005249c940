"""Admin of users, extended with the calls of the tokens that stop with a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.contrib import admin
from django.utils import timezone

from accounts.models import User
from accounts.staff.users import UserAdmin as AccountsUserAdmin
from tokens.staff import effects

admin.site.unregister(User)


@admin.register(User)
class UserAdmin(AccountsUserAdmin):
    def effects(self, chosen: Sequence[User]) -> Mapping[UUID, str]:
        return effects.of_people(chosen, timezone.now())
