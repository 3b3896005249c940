"""A query whose SQL is compiled once: compiling it in the ORM costs more than running it."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Field, Model


class PreparedQuery:
    """A SELECT of ``columns`` (paths over relations) by a unique ``key``, with the ORM's value types."""

    def __init__(self, model: type[Model], key: str, columns: tuple[str, ...]) -> None:
        self.model, self.key, self.columns = model, key, columns
        self._prepared: dict[str, tuple[str, Any, Any]] = {}

    def fetch_one(self, value: Any) -> tuple[Any, ...] | None:
        prepared = self._prepared.get(connection.vendor) or self._prepare(value)
        sql, compiler, converters = prepared
        field: Field[Any, Any] = self.model._meta.get_field(self.key)  # type: ignore[assignment]
        with connection.cursor() as cursor:
            cursor.execute(sql, (field.get_db_prep_value(value, connection),))
            found = cursor.fetchone()
        if found is None:
            return None
        return tuple(next(iter(compiler.apply_converters((found,), converters))))

    def _prepare(self, value: Any) -> tuple[str, Any, Any]:
        rows = self.model._default_manager.filter(**{self.key: value}).values_list(*self.columns)
        compiler = rows.query.get_compiler(connection=connection)
        sql, _ = compiler.as_sql()
        converters = compiler.get_converters([expression for expression, _, _ in compiler.select])
        prepared = (sql, compiler, converters)
        self._prepared[connection.vendor] = prepared
        return prepared
