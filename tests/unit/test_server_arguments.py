from __future__ import annotations

import pytest

from harness.results.records.errors import UsageError
from harness.serving.server_arguments import server_arguments


def test_a_value_and_a_flag() -> None:
    given = ["limit-concurrency=10", "--header=a=b c", "no-server-header"]
    assert server_arguments(given) == ("--limit-concurrency", "10", "--header", "a=b c", "--no-server-header")


@pytest.mark.parametrize("given", ["", "=3", "Limit=3", "limit concurrency=3", "---x", "-h", "\x1b[31m=1"])
def test_what_is_no_name_is_one_line(given: str) -> None:
    with pytest.raises(UsageError, match=r"^--server-arg .*: is not NAME=VALUE, such as limit-concurrency=10$") as said:
        server_arguments([given])
    assert "\x1b" not in str(said.value)


@pytest.mark.parametrize(
    "given",
    [
        *("host=0.0.0.0", "port=1", "workers=2", "loop=uvloop", "http=h11", "app-dir=/x", "factory", "fd=3", "uds=/x"),
        *("reload", "--reload", "reload-dir=x", "ssl-keyfile=x", "no-factory"),
    ],
)
def test_what_the_harness_says_itself_is_refused(given: str) -> None:
    name = given.removeprefix("--").partition("=")[0]
    with pytest.raises(UsageError, match=f"^--server-arg {given}: bench must set {name} itself; leave it out$"):
        server_arguments([given])


def test_a_proxys_path_is_of_no_use_without_one() -> None:
    with pytest.raises(UsageError, match=r"root-path=/api: is for an app behind a proxy; .* leave it out$"):
        server_arguments(["root-path=/api"])
