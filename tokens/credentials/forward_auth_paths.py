"""Paths of forward authentication, for the limiter's charge as well as for the view."""

from __future__ import annotations

PATH = "/api/auth/verify"
FOR_NGINX = f"{PATH}/nginx"
FOR_ENVOY = f"{PATH}/envoy"
PATHS = frozenset((PATH, FOR_NGINX, FOR_ENVOY))
