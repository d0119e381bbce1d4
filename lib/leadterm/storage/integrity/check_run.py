"""Whether a run, or a published copy, is whole: every file against its hash, every product against its inputs."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from leadterm.errors import RunError
from leadterm.storage.integrity.input_checks import misfits
from leadterm.storage.integrity.inventory import Claim, Inventory
from leadterm.storage.location import Location
from leadterm.storage.store_errors import require_reached

THREADS = 8
"""Files that are read at the same time: more than one disk or core needs, and enough for an object store."""


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes
    ----------
    place
        The run directory, or the published copy.
    products, files, n_bytes
        How many products there are, and how many files of which length were hashed.
    problems
        What is damaged, missing, unexpected or does not fit, a line each; empty if all is whole.
    notes
        What could not be checked, and why.
    """

    place: Location
    products: int
    files: int
    n_bytes: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def require(self) -> None:
        """Raise an error if there is a problem.

        Raises
        ------
        RunError
            Names every problem.
        """
        if self.problems:
            # A file's name may hold whatever its system allows.
            lines = (one if one.isprintable() else repr(one)[1:-1] for one in self.problems)
            listed = "".join(f"\n  {line}" for line in lines)
            count = f"{len(self.problems)} problems" if len(self.problems) > 1 else "1 problem"
            raise RunError(f"{self.place} is not intact, {count}:{listed}")


def check_run(place: Location, on_bytes: Callable[[int, int], object] = lambda _done, _total: None) -> Checked:
    """Hash every file of a run or of a published copy, and compare it with what was written with it.

    Parameters
    ----------
    place
        The folder.
    on_bytes
        Told how many bytes were read so far, of how many; by one thread at a time.

    Returns
    -------
    Checked
        With every damaged, missing or unexpected file, every broken manifest, and every product that was made from
        other products than those present.

    Raises
    ------
    RunError
        If there is no run at all.
    """
    inventory = Inventory.of(place)
    here = {path: claims for path, claims in inventory.claims.items() if path in inventory.files}
    total = sum(inventory.files[path] for path in here)
    damaged = list(_damaged(place, here, _Counter(total, on_bytes)))
    problems = [*inventory.problems, *inventory.misplaced(), *damaged, *misfits(inventory)]
    return Checked(place, len(inventory.products), len(here), total, tuple(sorted(problems)), tuple(inventory.notes()))


class _Counter:
    """Adds up what several threads have read."""

    def __init__(self, total: int, on_bytes: Callable[[int, int], object]) -> None:
        self._total, self._on_bytes = total, on_bytes
        self._done, self._lock = 0, threading.Lock()

    def __call__(self, more: int) -> None:
        with self._lock:
            self._done += more
            self._on_bytes(self._done, self._total)


def _damaged(place: Location, claims: Mapping[str, list[Claim]], count: _Counter) -> Iterator[str]:
    """Hash files, several at a time, and name those that are not what was claimed of them."""
    pool = ThreadPoolExecutor(THREADS)
    try:
        for path, found in zip(claims, pool.map(lambda path: _hash(place / path, count), claims), strict=True):
            for claim in claims[path]:
                if found != claim.sha256:
                    yield f"{path} is damaged: its SHA-256 is {found[:16]}…, {claim.by} says {claim.sha256[:16]}…"
    finally:
        pool.shutdown(cancel_futures=True)


def _hash(place: Location, count: _Counter) -> str:
    """Hash a file; one that cannot be read has no hash, but a reason."""
    try:
        return place.sha256(lambda chunk: count(len(chunk)))
    except OSError as error:
        require_reached(place, error)
        return f"unknown ({error})"
