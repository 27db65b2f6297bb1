"""Executes `notebooks/explore.ipynb`; `python -m tests.notebook_kit` also keeps the outputs, which GitHub shows."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "explore.ipynb"
_OPTIONS = ("-f", "{connection_file}", "--HistoryManager.enabled=False")  # no history in the user's home


class OwnInterpreter(KernelSpecManager):
    """Whatever kernels are installed: the interpreter that runs this, on this checkout."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", *_OPTIONS],
            language="python",
            display_name=kernel_name,
            env={"PYTHONPATH": str(ROOT)},
        )


def execute(*further: str) -> nbformat.NotebookNode:
    """The notebook with its outputs, and with `further` cells at its end. CellExecutionError when a cell raises."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in further]
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=OwnInterpreter()),
        timeout=120,
        startup_timeout=60,
        record_timing=False,
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )
    return client.execute(cleanup_kc=True)


if __name__ == "__main__":
    nbformat.write(execute(), NOTEBOOK)
