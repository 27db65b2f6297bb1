"""Services are found in their folder by reading its files, and imported only to be started."""

import re
from pathlib import Path

import pytest

from harness.catalog.workload_file import read_workload
from harness.results.records.errors import UsageError
from harness.services.service_files import broken_services, environment_name, service_class, service_names

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
    assert list(broken_services(tmp_path)) == ["broken"]


def test_an_unknown_one_is_one_line_that_lists_the_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^service 'upstrem': services/ has postgres\.py, upstream\.py$"):
        service_class("upstrem")
    with pytest.raises(UsageError, match=r"^service 'echo': \w+/ has no service$"):
        service_class("echo", tmp_path)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"x = 1\nclass Mine(Service)\n", r":2: is not Python \(expected ':'\)"),
        (b"class Mine(Service): ...\0", r"(:1)?: (is not Python|cannot be parsed) \(source code .* null bytes\)"),
    ],
)
def test_one_whose_file_is_broken_is_not_called_absent(tmp_path: Path, source: bytes, reason: str) -> None:
    folder = tmp_path / "services"
    folder.mkdir()
    (folder / "mine.py").write_bytes(source)
    (line,) = broken_services(folder).values()
    assert re.fullmatch(rf"services/mine\.py{reason}; fix it, or move it out of the folder", line), line
    with pytest.raises(UsageError) as caught:
        service_class("mine", folder)
    assert str(caught.value) == f"service 'mine': {line}"
    workload = tmp_path / "talk.py"
    workload.write_text('"""Talk"""\nREQUESTS = [["/talk", 1]]\nSERVICES = ["mine"]\n')
    with pytest.raises(UsageError, match=r"^scenarios/talk\.py:3: SERVICES") as caught:
        read_workload(workload, "scenarios/talk.py", folder)
    assert f": no service 'mine': {line}; write it like " in str(caught.value)


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
