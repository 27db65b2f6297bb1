"""`notebooks/explore.ipynb` runs from top to bottom on the example, and reads it only through the reader."""

from __future__ import annotations

import re

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.notebook_kit import NOTEBOOK, execute

MOST_BYTES = 300_000
NOT_EMPTY = "assert len(summary) > 100 and summary.valid.any() and len(price) >= 2, summary"


def test_explore_notebook() -> None:
    """A cell that raises fails it, and so does a frame without rows."""
    code = [cell for cell in execute(NOT_EMPTY).cells if cell.cell_type == "code"]
    shown = ["".join(str(output.get("data", output)) for output in cell.outputs) for cell in code]
    assert re.search(r"[1-9]\d* rows", shown[0])
    assert any("image/png" in output for output in shown)
    assert re.search(r"Answer\.\*\* (`\w+` answers|Not better in every round)", shown[-2])


def test_a_cell_that_raises_fails_the_notebook() -> None:
    with pytest.raises(CellExecutionError, match="no such frame"):
        execute("raise ValueError('no such frame')")


def test_it_reads_the_run_through_the_reader_only() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert "from harness.results.frames import read_summary" in code[0]
    assert code[0].splitlines()[-1] == "summary"
    assert not re.findall(r"read_csv|read_json|\bopen\(|read_text|read_bytes|json\.load", "\n".join(code))


def test_it_is_small_and_says_nothing_of_where_it_was_run() -> None:
    text = NOTEBOOK.read_text()
    assert len(text) < MOST_BYTES
    assert not re.findall(r"(?<![\w.:/+-])/(?:home|root|tmp|usr|var|work|Users)/\w+", text)
