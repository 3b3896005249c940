"""Safe redirect targets: paths on this host."""

from __future__ import annotations

import re

from django.utils.http import url_has_allowed_host_and_scheme

# Browsers strip tabs and line ends from an address, and read a backslash as a slash.
_UNSAFE = re.compile(r"[\\\x00-\x20\x7f]")


def is_local_path(url: str) -> bool:
    """Whether ``url`` is a path on this host in every browser; False for any URL with a host."""
    if not url.startswith("/") or url.startswith("//") or _UNSAFE.search(url):
        return False
    return url_has_allowed_host_and_scheme(url, allowed_hosts=None)
