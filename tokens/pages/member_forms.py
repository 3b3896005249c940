"""The form of a member's role and additional permissions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from accounts.models import Membership
from accounts.permissions import picker
from accounts.permissions.roles import Role
from tokens.models import MOST_PERMISSIONS
from tokens.pages.forms import selected


class RoleForm(forms.Form):
    """``selection`` are the ticked permissions, including those without a box, by name.

    A lower role removes the additional permissions that are not in ``keep``.
    """

    role = forms.ChoiceField(
        choices=Role.choices,
        error_messages={"required": "Choose a role.", "invalid_choice": "Choose a role."},
    )
    permissions = forms.Field(required=False, widget=forms.MultipleHiddenInput)
    keep = forms.Field(required=False, widget=forms.MultipleHiddenInput)

    def __init__(self, *args: Any, member: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member = member
        known = picker.read(member.permissions, {})
        self.selection = selected(self.data, "permissions") if self.is_bound else known

    def clean_permissions(self) -> list[str]:
        unknown = [text for text in self.selection.unknown if text not in self.member.permissions]
        if unknown:
            raise ValidationError([f"There is no permission {text[:100]}." for text in unknown[:5]])
        if wrong := picker.malformed(self.selection):
            raise ValidationError(f"“{wrong[0][:100]}” is not an identifier. Use letters, digits, - and _.")
        permissions = [*self.selection.permissions, *self.selection.unknown]
        if len(permissions) > MOST_PERMISSIONS:
            raise ValidationError(f"A member holds at most {MOST_PERMISSIONS} permissions beyond the role.")
        return permissions

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if "role" in given and "permissions" in given and self._lowers(Role(given["role"])):
            lost = set(self.member.permissions).difference(self.kept())
            given["permissions"] = [text for text in given["permissions"] if text not in lost]
        return given

    def kept(self) -> list[str]:
        return self.data.getlist("keep") if isinstance(self.data, QueryDict) else []

    def _lowers(self, role: Role) -> bool:
        return Role(self.member.role).outranks(role)
