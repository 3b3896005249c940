"""The figures of the usage page as a CSV file: a line for each period and caller with calls."""

from __future__ import annotations

import csv
import io

from accounts.audit.export import escape_formula
from tokens.usage.report import Figures
from tokens.usage.spans import DAY

COLUMNS = ("type", "id", "name", "calls", "refused")


def as_csv(found: Figures) -> str:
    """Write the first column in ISO 8601: an hour's start in UTC, a date, or a month."""
    file = io.StringIO()
    # Quoted, because some spreadsheets split cells at semicolons.
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["date" if found.unit is DAY else found.unit.name, *COLUMNS])
    for period, counts in found.by_period.items():
        when = found.unit.exact(period)
        for caller, count in sorted(counts.items(), key=lambda one: (one[0].name, one[0].public_id)):
            name = escape_formula(caller.name)
            writer.writerow([when, caller.kind, caller.public_id, name, count.calls, count.refused])
    return file.getvalue()
