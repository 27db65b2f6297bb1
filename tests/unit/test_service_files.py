"""Services are found in their folder by reading its files, and imported only to be started."""

from pathlib import Path

import pytest

from harness.results.records.errors import UsageError
from harness.services.service_files import environment_name, service_class, service_names

ECHO = Path(__file__).parents[1] / "services" / "echo.py"
SERVICE = """
from harness.services.service import Service

class Mine(Service):
    address = "there"
    def command(self):
        return ["true"]
    def is_ready(self, timeout_s):
        return True
"""


def test_the_harness_has_the_upstream_and_a_database() -> None:
    assert service_names() == ("postgres", "upstream")
    assert service_class("upstream").__name__ == "Upstream"
    assert service_class("postgres").__name__ == "Postgres"


def test_a_file_with_a_class_that_derives_from_service_is_one_and_nothing_is_imported(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("raise SystemExit('imported')\n" + SERVICE)
    (tmp_path / "qualified.py").write_text("class Mine(service.Service):\n    pass\n")
    (tmp_path / "other.py").write_text("class Service:\n    pass\nclass Mine(Other): ...\n")
    (tmp_path / "broken.py").write_text("class Mine(Service:\n")
    (tmp_path / "_shared.py").write_text(SERVICE)
    (tmp_path / "notes.txt").write_text(SERVICE)
    assert service_names(tmp_path) == ("mine", "qualified")


def test_an_unknown_one_is_one_line_that_lists_the_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^service 'upstrem': services/ has postgres\.py, upstream\.py$"):
        service_class("upstrem")
    with pytest.raises(UsageError, match=r"^service 'echo': \w+/ has no service$"):
        service_class("echo", tmp_path)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nothing_like_it\n" + SERVICE, r"mine\.py cannot be imported \(ModuleNotFoundError: .*\); fix it"),
        (SERVICE + "class Second(Service): ...\n", r"mine\.py has 2 services; leave one"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, source: str, says: str) -> None:
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(UsageError, match=says) as caught:
        service_class("mine", tmp_path)
    assert "\n" not in str(caught.value)


def test_its_address_is_in_a_variable_of_its_name() -> None:
    assert environment_name("upstream") == "BENCH_UPSTREAM"
