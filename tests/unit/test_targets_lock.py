"""A lock is read package by package, with who needs each."""

from __future__ import annotations

from harness.interpreters.targets_lock import TARGETS_LOCK, Locked, normal, read_lock, with_all_that_need

LOCK = """\
# a comment
asyncpg==0.32.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via fastapi-concurrency-bench (pyproject.toml:targets)
psycopg==3.3.9 \\
    --hash=sha256:cc
    # via
    #   -c requirements.lock
    #   fastapi-concurrency-bench (pyproject.toml:targets)
psycopg-binary==3.3.9 ; implementation_name != 'pypy' \\
    --hash=sha256:dd
    # via psycopg
psycopg_pool==3.3.3 \\
    --hash=sha256:ee
    # via psycopg
typing-extensions==4.1 \\
    --hash=sha256:ff
    # via
    #   psycopg
    #   psycopg-pool
"""


def test_each_package_with_what_pip_reads_and_who_needs_it() -> None:
    packages = read_lock(LOCK)
    assert [package.pinned for package in packages] == [
        "asyncpg==0.32.0",
        "psycopg==3.3.9",
        "psycopg-binary==3.3.9",
        "psycopg-pool==3.3.3",
        "typing-extensions==4.1",
    ]
    assert packages[0].text == "asyncpg==0.32.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb"
    assert packages[2].text.startswith("psycopg-binary==3.3.9 ; implementation_name != 'pypy' \\\n")
    assert [sorted(package.needed_by) for package in packages] == [
        [],
        [],
        ["psycopg"],
        ["psycopg"],
        ["psycopg", "psycopg-pool"],
    ]


def test_nothing_is_in_an_empty_one() -> None:
    assert read_lock("") == read_lock("# nothing\n") == ()


def test_what_is_of_no_use_without_a_package() -> None:
    packages = read_lock(LOCK)
    assert with_all_that_need("asyncpg", packages) == {"asyncpg"}
    assert with_all_that_need("psycopg-binary", packages) == {"psycopg-binary", "psycopg"}
    assert with_all_that_need("typing-extensions", packages) == {"typing-extensions", "psycopg", "psycopg-pool"}
    assert with_all_that_need("other", packages) == frozenset()


def test_packages_that_need_each_other_come_to_an_end() -> None:
    both = (Locked("a", "1", "", frozenset("b")), Locked("b", "1", "", frozenset("a")))
    assert with_all_that_need("a", both) == {"a", "b"}


def test_of_two_spellings_one_is_used() -> None:
    assert normal("psycopg_pool") == normal("Psycopg.Pool") == "psycopg-pool"


def test_the_projects_own_lock_is_whole() -> None:
    """The text that pip gets is all of the file but its comments."""
    lines = [line for line in TARGETS_LOCK.read_text().splitlines() if not line.lstrip().startswith("#")]
    packages = read_lock(TARGETS_LOCK.read_text())
    assert "\n".join(package.text for package in packages) == "\n".join(lines)
    assert with_all_that_need("pydantic-core", packages) >= {"pydantic", "fastapi"}
    assert with_all_that_need("psycopg-binary", packages) == {"psycopg-binary", "psycopg"}
