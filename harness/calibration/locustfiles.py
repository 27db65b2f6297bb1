"""The locustfiles of a calibration: one with our user class, as in `scenarios/`, and one with Locust's own.

They are text and not modules, because nothing outside of Locust's process may import Locust. They are written to a
scratch folder.
"""

from __future__ import annotations

from pathlib import Path

_OURS = """
from locust import task

from harness.scenario import BenchUser


class CalibrationUser(BenchUser):
    @task
    def ask_once(self):
        self.ask({path!r}, {answer!r})
"""

_STOCK = """
from locust import {user}, task


class StockUser({user}):
    @task
    def ask_once(self):
        self.client.get({path!r})
"""


def write_ours(folder: Path, name: str, path: str, answer: object) -> Path:
    """A scenario that asks `path`; any JSON but `answer` is wrong."""
    return _write(folder / f"{name}.py", _OURS.format(path=path, answer=answer))


def write_stock(folder: Path, user: str, path: str) -> Path:
    """`user` is a user class of Locust's own: "FastHttpUser", "HttpUser"."""
    return _write(folder / f"stock_{user.lower()}.py", _STOCK.format(user=user, path=path))


def _write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file
