"""The rules that every page keeps, each examined on one load of the page.

axe-core's are WCAG 2.2 A and AA and its best practices. Ours are about the policy, colours,
widths and targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
# axe-core leaves these out unless they are named.
NAMED = ["target-size", "label-content-name-mismatch"]
EVERY_RULE = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {name: {"enabled": True} for name in NAMED},
}
CONTRAST = {"runOnly": ["color-contrast"]}
# The policy of the pages allows no copies of stylesheets, and so axe-core is not to preload any. An open menu
# is examined alone, because it covers targets of the page, which axe-core would call too small.
RUN = """async options => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  const within = document.querySelector(".menu[open]") ?? document;
  const { violations } = await axe.run(within, { ...options, preload: false, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]);
}"""
OPEN_MENUS = "document.querySelectorAll('.menu').forEach(menu => { menu.open = true; })"
CLOSE_MENUS = "document.querySelectorAll('.menu').forEach(menu => { menu.open = false; })"
FAULT = """performance.getEntriesByType("navigation").map(entry => entry.responseStatus)
  .filter(status => status >= 500)"""
OTHER_HOSTS = """performance.getEntriesByType("resource").map(entry => entry.name)
  .filter(name => new URL(name).host !== location.host)"""

# In px: the first and last width of a window, and the step between widths.
WIDTHS = [320, 1400, 20]
TARGET = 44

AXE = "axe finds nothing in light"
AXE_IN_DARK = "axe finds enough contrast in dark"
READABLE = "every text is readable in light"
READABLE_IN_DARK = "every text is readable in dark"
WIDE = "no page is wider than a window of 320 to 1400 px"
SMALL = "every target is 44 px"
STILL = "nothing moves where motion is not wanted"
POLICY = "no page breaks its policy"
OWN_HOST = "everything is from this host"
NOTHING_KEPT = "nothing is kept in the browser"
ANSWERED = "the server answers without a fault"
RULES = (
    ANSWERED,
    AXE,
    AXE_IN_DARK,
    READABLE,
    READABLE_IN_DARK,
    WIDE,
    SMALL,
    STILL,
    POLICY,
    OWN_HOST,
    NOTHING_KEPT,
)

# What breaks a rule, by the page that breaks it.
Broken = dict[str, Any]


def broken(page: Page, axe: str, states: Iterable[str], rules: Iterable[str]) -> dict[str, Broken]:
    """What breaks each of the rules in the states of the page, examined as the walk comes to them."""
    found: dict[str, Broken] = {rule: {} for rule in rules}
    for where in states:
        problems = dict(examine(page, axe))
        if WIDE in found:
            problems |= examine_widths(page)
        for rule, pages in found.items():
            if problems[rule]:
                pages[where] = problems[rule]
    return found


def examine(page: Page, axe: str) -> Iterator[tuple[str, Any]]:
    """Each rule but those of widths, with what breaks it on the page as it is now, in light and in dark."""
    yield ANSWERED, page.evaluate(FAULT)
    yield OWN_HOST, page.evaluate(OTHER_HOSTS)
    # Evaluated, because the policy of the pages allows no such script.
    page.evaluate(f"() => {{ {axe} }}")
    yield AXE, page.evaluate(RUN, EVERY_RULE)
    page.emulate_media(color_scheme="dark")
    yield AXE_IN_DARK, page.evaluate(RUN, CONTRAST)
    page.evaluate(OPEN_MENUS)
    yield READABLE_IN_DARK, page.evaluate("faint()")
    page.emulate_media(color_scheme="light")
    yield READABLE, page.evaluate("faint()")
    yield STILL, page.evaluate("moving()")
    page.evaluate(CLOSE_MENUS)
    yield POLICY, page.evaluate("violated")
    yield NOTHING_KEPT, page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")


def examine_widths(page: Page) -> dict[str, Any]:
    page.evaluate(OPEN_MENUS)
    found = page.evaluate("([widths, target]) => narrow(widths, target)", [WIDTHS, TARGET])
    page.evaluate(CLOSE_MENUS)
    return {WIDE: found["wide"], SMALL: found["small"]}
