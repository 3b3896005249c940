"""Environment variables: the reader of their values, and the table of all that Tessera reads.

`python -m config.environment` prints the table, which config/README.md contains.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, NamedTuple

import environ
from django.core.exceptions import ImproperlyConfigured

NUMBERS = {int: "a whole number", float: "a number"}
SWITCHES = {"true", "on", "ok", "y", "yes", "1", "false", "off", "n", "no", "0"}


class Env(environ.Env):  # type: ignore[misc]
    """django-environ, except that an unusable value stops the start with a sentence.

    An empty number or switch counts as unset, because orchestrators pass unset variables as "".
    """

    def get_value(self, var: str, cast: Any = None, default: Any = None, parse_default: bool = False) -> Any:
        """Return the variable's value; raises ImproperlyConfigured."""
        text = self.ENVIRON.get(var, "")
        if cast in (int, float, bool) and not text:
            return default
        if cast is bool and text.lower() not in SWITCHES:
            raise ImproperlyConfigured(f"{var} must be True or False.")
        try:
            return super().get_value(var, cast, default, parse_default)
        except ValueError:
            raise ImproperlyConfigured(f"{var} must be {NUMBERS.get(cast, 'a URL')}.") from None

    @classmethod
    def email_url_config(cls, url: Any, backend: str | None = None) -> dict[str, Any]:
        """Return Django's EMAIL_ settings for the URL."""
        found: dict[str, Any] = super().email_url_config(url, backend)
        if path := found.get("EMAIL_FILE_PATH"):
            # django-environ drops the first slash, which would make the path relative.
            found["EMAIL_FILE_PATH"] = "/" + path.lstrip("/")
        return found


# Where the environment is read: Django's settings, and gunicorn's, which start before Django.
SOURCES = ("settings.py", "gunicorn.conf.py")
TYPES = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "`True` or `False`",
    "list": "comma-separated list",
    "db_url": "URL",
    "email": "URL",
}


class Variable(NamedTuple):
    """A row of the table; ``sentence`` is the comment above the variable's read."""

    name: str
    type: str
    default: str
    sentence: str


def variables() -> list[Variable]:
    """Return the variables in the order of SOURCES; a second read of a variable adds nothing.

    Raises LookupError for a read without a comment above it.
    """
    found: dict[str, Variable] = {}
    for source in SOURCES:
        text = Path(__file__).with_name(source).read_text(encoding="utf-8")
        for line, method, name, default in _reads(ast.parse(text)):
            if name not in found:
                sentence = _comment_above(text.splitlines()[: line - 1])
                if not sentence:
                    raise LookupError(f"{source}, line {line}: {name} has no comment above it.")
                found[name] = Variable(name, TYPES[method], default, sentence)
    return list(found.values())


def table() -> str:
    """Return the Markdown table of all variables."""
    rows = [f"| `{one.name}` | {one.type} | {one.default} | {one.sentence} |" for one in variables()]
    return "\n".join(["| variable | type | default | meaning |", "|---|---|---|---|", *rows])


def _reads(tree: ast.Module) -> list[tuple[int, str, str, str]]:
    """Return line, method, variable and default of each call such as ``env.int("PORT", default=8000)``."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="env"), attr=method),
                args=[ast.Constant(value=str(name))],
                keywords=[ast.keyword(arg="default", value=default)],
            ):
                found.append((node.lineno, method, name, _shown(default)))
    return sorted(found)


def _shown(default: ast.expr) -> str:
    match default:
        case ast.Constant(value=str() | int() | float() as value) if value != "":
            return f"`{value}`"
        case ast.JoinedStr():
            text = ast.unparse(default)[2:-1].replace("{BASE_DIR}/", "")
            return "`{}`".format(re.sub(r"{(\w+)}", r"$\1", text))
    return "–"


def _comment_above(lines: list[str]) -> str:
    words: list[str] = []
    while lines and lines[-1].strip().startswith("#"):
        words.insert(0, lines.pop().strip("# "))
    return " ".join(words)


if __name__ == "__main__":
    print(table())
