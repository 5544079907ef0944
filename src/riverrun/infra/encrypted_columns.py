"""Columns that hold sealed secrets, and sealing all of them anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, MetaData, bindparam, select, update

from riverrun.kit.secrets_at_rest import Place, SecretBox, place_of

ENCRYPTED = {"encrypted": True}
"""``mapped_column(Text, info=ENCRYPTED)``: holds nothing but sealed secrets, each for its own ``place_of``."""
BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A column marked ``ENCRYPTED``."""

    column: Column[Any]

    def __str__(self) -> str:
        return f"{self.column.table.name}.{self.column.name}"

    def place(self, *row: object) -> Place:
        """The place of the secret in the row with this primary key."""
        return place_of(self.column.table.name, self.column.name, *row)


def encrypted_columns(metadata: MetaData) -> Iterator[EncryptedColumn]:
    """All there are, table by table."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.info.get("encrypted"):
                yield EncryptedColumn(column)


def seal_anew(connection: Connection, encrypted: EncryptedColumn, box: SecretBox) -> int:
    """Seal each secret of the column with the box's first key that was not; how many they were.

    Raises ``SecretsError`` at the first that cannot be opened; roll back then.
    """
    column, key = encrypted.column, list(encrypted.column.table.primary_key)
    held = select(*key, column).where(column.is_not(None)).with_for_update()
    written = update(column.table).where(*(part == bindparam(f"of_{part.name}") for part in key))
    sealed = 0
    with connection.execute(held.execution_options(yield_per=BATCH_ROWS)) as found:
        for rows in found.partitions():
            values = [
                {f"of_{part.name}": value for part, value in zip(key, row, strict=True)}
                | {column.name: box.seal(box.open(secret, encrypted.place(*row)), encrypted.place(*row))}
                for *row, secret in rows
                if not box.is_current(secret)
            ]
            if values:
                connection.execute(written, values)
            sealed += len(values)
    return sealed
