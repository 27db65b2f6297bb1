"""The tables of the workloads with a database, as SQLAlchemy sees them, and the work in its words.

The slow query is the same in every strategy: a row, which PostgreSQL gives after a wait.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Identity, MetaData, TextClause, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(schema="fastapi_bench")


class ItemRow(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
    uses: Mapped[int] = mapped_column(BigInteger)


class EventRow(Base):
    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item: Mapped[int]
    value: Mapped[int] = mapped_column(BigInteger)


def use(item: ItemRow) -> EventRow:
    """What a request does with its row: it counts up, and makes an event to be inserted. PostgreSQL adds, not Python:
    two requests at once would both write the same number."""
    item.uses = ItemRow.uses + 1
    return EventRow(item=item.id, value=item.value)


SLOW_QUERY: TextClause = text("SELECT value FROM fastapi_bench.items, pg_sleep(:wait_s) WHERE id = :key")
