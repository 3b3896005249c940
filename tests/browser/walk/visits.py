"""Visits of addresses, with what a page hides opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from playwright.sync_api import Page

# A menu covers the page, and its targets with it.
OPEN_DETAILS = "document.querySelectorAll('details:not(.menu)').forEach(details => { details.open = true; })"


def visit(page: Page, addresses: Iterable[str]) -> Iterator[str]:
    for address in addresses:
        page.goto(address)
        assert page.url.endswith(address), f"{address} led to {page.url}"
        page.evaluate(OPEN_DETAILS)
        yield address
