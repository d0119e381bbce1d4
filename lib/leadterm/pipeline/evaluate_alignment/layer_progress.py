"""How far tasks are, told by empty files: an executor cannot write to the driver's terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from leadterm.errors import MachineError
from leadterm.storage import Location
from leadterm.telemetry.progress import Done, Told, open_display, repeatedly, titled

POLL_SECONDS = 1.0
SUFFIX = ".mark"
BEGUN = -1
"""In the place of a layer: none is done yet."""


@dataclass(frozen=True)
class Marks:
    """The layers of one revision that are done.

    Attributes
    ----------
    folder
        Where the marks lie.
    name
        Of the revision's product.
    total
        The layers that it has to do.
    """

    folder: Location
    name: str
    total: int

    def begin(self) -> None:
        """Mark that the checkpoint is open: from here on layers take about the same time."""
        self.add(BEGUN)

    def add(self, layer: int) -> None:
        """Mark a layer as done."""
        place = self.folder / f"{self.name.replace('/', '-')}.{self.total}.{layer}{SUFFIX}"
        with suppress(OSError):  # A mark is nobody's result; and a task that outlives its job finds no folder.
            place.filesystem.open_output_stream(place.path).close()


def count_marks(folder: Location, n_revisions: int) -> Done:
    """Count the layers that are done, of how many: a revision that did not begin has as many as the others.

    Parameters
    ----------
    folder
        Where the marks lie.
    n_revisions
        How many revisions there are in all.
    """
    try:
        names = [name.removesuffix(SUFFIX) for name in folder.names() if name.endswith(SUFFIX)]
    except (OSError, MachineError):  # A store that does not answer now does so later.
        return Done()
    marks = [name.rsplit(".", 2) for name in names]
    totals = {revision: int(total) for revision, total, _ in marks}
    done = sum(int(layer) != BEGUN for *_, layer in marks)
    return Done(done, round(sum(totals.values()) * n_revisions / len(totals)) if totals else 0)


@contextmanager
def progress_of_layers(folder: Location, n_revisions: int) -> Iterator[None]:
    """Show how many layers are done while a block runs, and how long the others will take from the first one on."""
    shown: list[Told] = []

    def show() -> Done:
        state = count_marks(folder, n_revisions)
        if state.total and not shown:
            shown.append(open_display(titled("evaluate alignment"), "layers"))
        for display in shown:
            display.show(state)
        return state

    is_whole = False
    try:
        with repeatedly(show, POLL_SECONDS):
            yield
        is_whole = True
    finally:
        state = show()
        for display in shown:
            display.close(state, is_whole=is_whole)
