"""Why a PostgreSQL refuses a connection, by its SQLSTATE, and what to do about it.

libpq does not hand on the code of a connection that was refused, and the words are in the server's language. So another
driver asks once more.
"""

from __future__ import annotations

import asyncio

# https://www.postgresql.org/docs/current/errcodes-appendix.html: a class, or a whole code.
_WAYS_IN = {
    "28": "check user and password, and whether its pg_hba.conf lets this user in",
    "3D": "create that database, or name one that is there",
    "53300": "end other connections, or raise its max_connections",
    "57P03": "wait until it has started",
}


def way_in(sqlstate: str) -> str:
    """What to do; without a code nobody has refused, so nobody was there."""
    known = (advice for beginning, advice in _WAYS_IN.items() if sqlstate.startswith(beginning))
    return next(known, "check the URL, and whether it runs")


def refusal_code(url: str, timeout_s: float) -> str:
    """The SQLSTATE; empty where it does not refuse, or nobody answers."""
    return asyncio.run(_asked(url, timeout_s))


async def _asked(url: str, timeout_s: float) -> str:
    import asyncpg  # noqa: PLC0415 - takes longer to import than the rest of the harness

    try:
        connection = await asyncpg.connect(url, timeout=timeout_s)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate or "")
    except (OSError, ValueError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        return ""
    await connection.close()
    return ""
