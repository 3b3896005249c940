"""Base classes of API views."""

from __future__ import annotations

from rest_framework.views import APIView


class PublicView(APIView):
    """An endpoint without bearer authentication; its request body carries the credential, if any."""

    public = True
    authentication_classes = ()
    permission_classes = ()
