from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from harness.serving.asgi_server import asgi_server
from harness.serving.server_log import ServerLog

UVICORN_TAKEN = "ERROR:    [Errno 98] error while attempting to bind on ('127.0.0.1', 80): address already in use\n"
GRANIAN_TAKEN = (
    "Traceback (most recent call last):\n  File 'cli.py', line 1\nRuntimeError: Address already in use (os error 98)\n"
    "\nStack backtrace:\n   0: anyhow::error\n"
)

GUNICORN_TAKEN = (
    "[2026-11-28 20:00:00 +0000] [71] [ERROR] Connection in use: ('127.0.0.1', 80)\n"
    "[2026-11-28 20:00:00 +0000] [71] [ERROR] connection to ('127.0.0.1', 80) failed: [Errno 98] in use\n"
)
GUNICORN_BOOT = (
    "[2026-11-28 20:00:00 +0000] [72] [ERROR] Exception in worker process\nTraceback (most recent call last):\n"
    "  File 'x'\nValueError: no table\n[2026-11-28 20:00:00 +0000] [71] [ERROR] Worker (pid:72) exited with code 3.\n"
    "[2026-11-28 20:00:00 +0000] [71] [ERROR] Shutting down: Master\n"
    "[2026-11-28 20:00:00 +0000] [71] [ERROR] Reason: Worker failed to boot.\n"
)
HYPERCORN_TAKEN = "Traceback (most recent call last):\n  File 'x'\nOSError: [Errno 98] Address already in use\n"


def log_of(tmp_path: Path, content: str, server: str) -> ServerLog:
    path = tmp_path / "server.log"
    path.write_text("RuntimeError: an earlier server's, address already in use (os error 98)\n")
    log = ServerLog(path, asgi_server(server))
    with path.open("a") as file:
        file.write(content)
    return log


@pytest.mark.parametrize(
    ("server", "content", "words"),
    [
        ("uvicorn", "", ""),
        ("uvicorn", "Traceback (most recent call last):\n  File 'x'\nValueError: a\n"
         "BENCH-ERROR: targets/a.py:1: b\nnoise\n", "targets/a.py:1: b"),
        ("uvicorn", "ERROR:    Traceback (most recent call last):\n  File 'x'\nRuntimeError: no such table\n\n"
         "ERROR:    Application startup failed. Exiting.\n", "RuntimeError: no such table"),
        ("uvicorn", "ERROR:    Exception in ASGI application\nTraceback (most recent call last):\n  File 'x'\n"
         "x.OperationalError: refused\n\tIs it running?\n(Background on this error at: https://sqlalche.me/e/20)\n",
         "x.OperationalError: refused"),
        ("uvicorn", "Traceback (most recent call last):\n  File 'x'\nValidationError: 1 error for Settings\ntitle\n"
         "  Field required\n", "ValidationError: 1 error for Settings"),
        ("uvicorn", "Traceback (most recent call last):\n  File 'x'\nValueError: a\nb\n\nset PORT\n", "set PORT"),
        ("uvicorn", "Traceback (most recent call last):\n  File 'x'\nValueError: a\nb\nERROR:    c\n", "c"),
        ("uvicorn", UVICORN_TAKEN, UVICORN_TAKEN.removeprefix("ERROR:    ").strip()),
        ("uvicorn", "INFO:     Started\nWARNING:  old\n", ""),
        ("uvicorn", "y" * 1000 + "\n", "y" * 300),
        ("granian", "ValueError: no table\n[ERROR] Unexpected exit from worker-1\n", "ValueError: no table"),
        ("granian", "[WARNING] ASGI Lifespan errored\n[INFO] Stopping worker-1\n", ""),
        ("granian", "[ERROR] Application callable raised\n", "Application callable raised"),
        ("granian", GRANIAN_TAKEN, "RuntimeError: Address already in use (os error 98)"),
        ("gunicorn", GUNICORN_BOOT, "ValueError: no table"),
        ("gunicorn", "[2026-11-28 20:00:00 +0000] [7] [ERROR] Can't connect to ('127.0.0.1', 80)\n",
         "Can't connect to ('127.0.0.1', 80)"),
        ("hypercorn", "[2026-11-28 20:00:00 +0000] [7] [WARNING] ASGI Framework Lifespan error\n", ""),
        ("hypercorn", "[2026-11-28 20:00:00 +0000] [7] [ERROR] Error in ASGI Framework\n", "Error in ASGI Framework"),
        ("hypercorn", HYPERCORN_TAKEN, "OSError: [Errno 98] Address already in use"),
    ],
)  # fmt: skip
def test_last_words_are_what_is_no_routine_of_that_server(
    tmp_path: Path, server: str, content: str, words: str
) -> None:
    log = log_of(tmp_path, content, server)
    assert log.last_words() == words
    assert log.in_words() == (f"its log says: {words}" if words else "its log says nothing")


@pytest.mark.parametrize(
    ("server", "content", "taken"),
    [
        ("uvicorn", UVICORN_TAKEN, True),
        ("uvicorn", "ERROR:    [Errno 98] Address already in use\n", True),
        ("uvicorn", "the app's own: address already in use\n", False),
        ("granian", GRANIAN_TAKEN, True),
        ("granian", "", False),
        ("gunicorn", GUNICORN_TAKEN, True),
        ("gunicorn", GUNICORN_BOOT, False),
        ("hypercorn", HYPERCORN_TAKEN, True),
    ],
)
def test_each_server_has_its_own_words_for_a_port_that_is_taken(
    tmp_path: Path, server: str, content: str, taken: bool
) -> None:
    assert log_of(tmp_path, content, server).is_port_taken() is taken


def test_a_worker_that_cannot_start_has_said_so(tmp_path: Path) -> None:
    assert not log_of(tmp_path, "BENCH: fine\n", "uvicorn").is_reported()
    assert log_of(tmp_path, "BENCH-ERROR: a.py:1: b\n", "uvicorn").is_reported()


def test_a_note_is_no_reason_not_to_start(tmp_path: Path) -> None:
    log = log_of(tmp_path, "ValueError: c\nBENCH-NOTE: GET /a: stays\nINFO:     Started\n", "uvicorn")
    assert (log.is_reported(), log.reported(), log.last_words()) == (False, "GET /a: stays", "ValueError: c")
    log = log_of(tmp_path, "BENCH-ERROR: a.py:1: b\nBENCH-NOTE: GET /a: stays\n", "uvicorn")
    assert (log.is_reported(), log.reported(), log.last_words()) == (True, "a.py:1: b", "a.py:1: b")


def test_what_a_worker_said_is_found_before_a_flood_and_the_last_of_it_counts(tmp_path: Path) -> None:
    flood = "x" * 99 + "\n"
    log = log_of(tmp_path, "BENCH-ERROR: first\n" + 2000 * flood, "uvicorn")
    assert log.reported() == "first"
    assert log.last_words() == "first"
    with (tmp_path / "server.log").open("a") as file:
        for words, said in (
            (2000 * flood, "first"),
            ("BENCH-ERROR: sec", "sec"),
            ("ond\n", "second"),
            (flood, "second"),
        ):
            file.write(words)
            file.flush()
            assert log.reported() == said


def test_no_log_has_no_words(tmp_path: Path) -> None:
    assert ServerLog(tmp_path / "missing.log", asgi_server("uvicorn")).last_words() == ""


def test_what_brought_the_gil_back_is_what_python_warns_of(tmp_path: Path) -> None:
    assert log_of(tmp_path, "INFO:     Started\n", "uvicorn").gil_needed_by() == ""
    warning = (
        "<frozen importlib._bootstrap>:491: RuntimeWarning: The global interpreter lock (GIL) has been enabled to load "
        "module 'some.speedups', which has not declared that it can run safely without the GIL. To override this "
        "behavior and keep the GIL disabled (at your own risk), run with PYTHON_GIL=0 or -Xgil=0.\n"
    )
    assert log_of(tmp_path, warning, "uvicorn").gil_needed_by() == "some.speedups"


def test_an_argument_that_uvicorn_refuses_is_named() -> None:
    usage = "Usage: python -m uvicorn [OPTIONS] APP\nTry 'python -m uvicorn --help' for help.\n\n"
    for said, named in (
        (f"{usage}Error: No such option '--foo'.\n", "No such option '--foo'"),
        (
            f"{usage}Error: Invalid value for '--backlog': 'x' is no int.\n",
            "Invalid value for '--backlog': 'x' is no int",
        ),
        ("Error: cannot reach the database\n", ""),
        ("", ""),
    ):
        with tempfile.TemporaryDirectory() as folder:
            assert log_of(Path(folder), said, "uvicorn").refused_argument() == named
            assert log_of(Path(folder), said, "granian").refused_argument() == ""
