"""The Django settings that this app reads, with their defaults. A project needs to set none of them."""

from __future__ import annotations

from typing import Any

from django.conf import settings as project


class _Settings:
    """Each attribute is the default of the setting of that name, and reads the project's if it has one."""

    # Where counters are shared between servers: redis://, rediss:// or unix://. Without it SQL decides alone.
    REDIS_URL: str = ""
    # How long a request waits for Redis before SQL decides. A process reads it once for each REDIS_URL.
    REDIS_TIMEOUT_SECONDS: float = 0.25
    # After so many failures in a row, a process sends Redis nothing for so long.
    REDIS_BREAKER_FAILURES: int = 1
    REDIS_BREAKER_SECONDS: float = 1.0
    # How many proxies append to X-Forwarded-For in front of this server. With 0 the header is ignored.
    TRUSTED_PROXY_COUNT: int = 0
    # For how long the project uses a credential without reading it again, if it has a cache of credentials.
    CREDENTIAL_MEMORY_SECONDS: int = 30
    # How often a process adds what it has observed to the statistics. With 0 it has no thread for that.
    STATISTICS_SECONDS: float = 1.0
    # The view that answers a refused request. It receives the request and ``retry_after``, in seconds.
    RATELIMIT_REFUSED: str = "ratelimit.middleware.refused"

    def __getattribute__(self, name: str) -> Any:
        default = super().__getattribute__(name)
        return getattr(project, name, default) if name.isupper() else default


settings = _Settings()
