"""What is said about a database: never its password, and always a way out."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.processes.ports import free_port
from harness.results.records.errors import UsageError
from harness.services.postgres import own_database, redacted
from harness.services.postgres_cluster import first_error, way_out
from harness.services.postgres_refusal import refusal_code, way_in

PASSWORDS = st.text(st.characters(codec="ascii", exclude_characters="*", min_codepoint=33), min_size=3)


@given(PASSWORDS)
def test_a_password_is_never_shown(password: str) -> None:
    shown = redacted(f"postgresql://me:{quote(password, safe='')}@db.example:5432/name?sslmode=require")
    assert shown == "postgresql://me:***@db.example:5432/name?sslmode=require"
    in_query = redacted(f"postgresql://me@db.example/name?password={quote(password, safe='')}")
    assert in_query == "postgresql://me@db.example/name?***"


def test_a_url_without_a_password_is_shown_as_it_is() -> None:
    assert redacted("postgresql://me@127.0.0.1/name") == "postgresql://me@127.0.0.1/name"
    assert redacted("nonsense") == "nonsense"


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:5432", "mysql://me@127.0.0.1/name", "postgresql://"),
        *(
            "postgresql://me:se%cret@127.0.0.1/name",
            "postgresql://[me:secret",
            "postgresql://me@127.0.0.1/name?no=thing",
        ),
    ],
)
def test_what_is_no_url_of_postgresql_is_one_line(url: str) -> None:
    with pytest.raises(UsageError, match=r"^--postgres-url .*: is no URL of PostgreSQL; write postgresql://") as caught:
        own_database(url)
    assert "\n" not in str(caught.value) and "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "reason", "way"),
    [
        (
            ['LOG:  could not bind IPv4 address "127.0.0.1"', "FATAL:  could not create any TCP/IP sockets"],
            "could not create any TCP/IP sockets",
            "the port was taken meanwhile",
        ),
        (
            ["initdb: error: could not write to file: No space left on device"],
            "could not write to file: No space left on device",
            "make room on that disk",
        ),
        (
            ["FATAL:  could not create shared memory segment: No space left on device", "DETAIL:  Failed system call"],
            "could not create shared memory segment: No space left on device",
            "allow more memory",
        ),
        (
            ["initdb: error: could not access directory: Permission denied"],
            "could not access directory: Permission denied",
            "user 65534",
        ),
        (["FATAL:  something new"], "something new", "read its log"),
        (["nothing of use"], "", "read its log"),
    ],
)
def test_why_it_did_not_start_comes_with_a_way_out(said: list[str], reason: str, way: str) -> None:
    assert first_error(said) == reason
    assert way in way_out(reason)
    assert way_out(reason).endswith("or give it a server of your own with --postgres-url")


@pytest.mark.parametrize(
    ("sqlstate", "advice"),
    [
        ("28P01", "check user and password"),
        ("28000", "check user and password"),
        ("3D000", "create that database"),
        ("53300", "end other connections"),
        ("57P03", "wait until it has started"),
        ("", "check the URL, and whether it runs"),
        ("XX000", "check the URL, and whether it runs"),
    ],
)
def test_what_to_do_follows_from_the_code_of_the_refusal(sqlstate: str, advice: str) -> None:
    assert way_in(sqlstate).startswith(advice)


def test_who_does_not_answer_has_no_code() -> None:
    assert refusal_code(f"postgresql://me@127.0.0.1:{free_port()}/name", 2.0) == ""
    assert refusal_code("postgresql://me@127.0.0.1:none/name", 2.0) == "", (
        "another driver may read a URL in its own way"
    )
