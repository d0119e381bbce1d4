"""Every notebook runs from its first cell to its last on a small run, and draws what it should."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
FIGURES = {
    "demo.ipynb": [
        "figure-frequencies",
        "figure-associations-uniform",
        "figure-associations-frequency",
        "figure-bigram",
        "figure-interchange",
        "figure-context",
        "figure-words",
        "figure-weights",
    ]
}
"""The cells of each notebook that draw one figure."""
LARGEST = 1_500_000
"""Bytes of a notebook with its pictures; more would make a clone slow."""


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / name, as_version=4)


def figures(notebook: nbformat.NotebookNode) -> list[str]:
    """List the cells that show a picture, once for each."""
    return [
        cell["id"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]


def test_every_notebook_is_listed() -> None:
    assert sorted(FIGURES) == NOTEBOOKS


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_on_another_run_and_draws_its_figures(
    name: str, small_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADTERM_RUN", str(small_run))
    notebook = read(name)
    for cell in notebook.cells:
        cell.pop("outputs", None) if cell.cell_type == "markdown" else cell.update(outputs=[])
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert figures(notebook) == FIGURES[name]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_shipped_with_its_pictures_and_without_traces_of_a_machine(name: str) -> None:
    notebook, text = read(name), (FOLDER / name).read_text()
    assert figures(notebook) == FIGURES[name]
    assert len(text) <= LARGEST
    assert str(FOLDER.parent) not in text
