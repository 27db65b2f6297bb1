"""The run of somebody's own app: what is recorded of its command line, and what uvicorn takes by itself."""

from __future__ import annotations

from harness.cli.app_load import shown_arguments, uvicorn_defaults
from harness.results.records.app_request import AppRequest


def test_a_credential_in_a_path_that_is_asked_is_not_recorded() -> None:
    words = ["app", "shop:app", "--ask", "/x?token=SECRET&page=2", "--ask=/y?password=SECRET", "--users", "8"]
    assert shown_arguments(words) == [
        *("app", "shop:app", "--ask", "/x?token=***&page=2", "--ask=/y?password=***", "--users", "8"),
    ]
    asked = AppRequest(path="/reset/SECRET", template="/reset/{token}")
    assert shown_arguments(["--ask", asked.path, f"--ask={asked.path}"], [asked]) == [
        *("--ask", "/reset/***", "--ask=/reset/***"),
    ]


def test_the_app_as_it_is_runs_as_uvicorn_would_run_it() -> None:
    plain, standard = uvicorn_defaults({"uvicorn"}), uvicorn_defaults({"uvicorn", "uvloop", "httptools"})
    assert (plain.loop, plain.http) == ("asyncio", "h11")
    assert (standard.loop, standard.http) == ("uvloop", "httptools")
