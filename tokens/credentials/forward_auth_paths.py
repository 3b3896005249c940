"""Paths of forward authentication, used by the limiter and the view."""

from __future__ import annotations

PATH = "/api/auth/verify"
FOR_NGINX = f"{PATH}/nginx"
FOR_ENVOY = f"{PATH}/envoy"
PATHS = frozenset((PATH, FOR_NGINX, FOR_ENVOY))
