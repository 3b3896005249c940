"""What DEBUG's page about a fault shows of the settings: no address that carries a password."""

from __future__ import annotations

import re

from django.views.debug import SafeExceptionReporterFilter


class ReporterFilter(SafeExceptionReporterFilter):
    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|_URL$|LOCATION|SINGLE_SIGN_ON", re.IGNORECASE
    )
