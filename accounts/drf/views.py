"""Base classes of API views."""

from __future__ import annotations

from rest_framework.views import APIView


class PublicView(APIView):
    """An endpoint without bearer authentication: what is posted to it proves who calls."""

    public = True
    authentication_classes = ()
    permission_classes = ()
