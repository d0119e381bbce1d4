"""Replaces several products of a run together: whoever is stopped on the way leaves the old ones, or a journal.

The new products are put together in a hidden folder of the run, a run of its own. When all are whole, a journal appears
in it, and from then on they are the run's: they take their places one after the other, and if that is interrupted at
any moment, whoever comes next continues it. One process at a time does so.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from pyarrow import fs

from leadterm.storage import manifest as manifests
from leadterm.storage.location import Location
from leadterm.storage.read_products import STAGING, read_manifest
from leadterm.storage.staged.hashing_sink import whole_output
from leadterm.storage.staged.staging_folder import Stage, Staging, staging

SWAP = f"{STAGING}swap-"
"""How the hidden folders begin."""
JOURNAL = "journal.json"
"""Lists the products that are to take their places."""


@contextmanager
def sole_replacer(run: Location) -> Iterator[Staging]:
    """Keep other processes from replacing products of a run together; gives a staging folder that outlives a kill.

    What an earlier one was stopped in is finished first, if all was decided, or else removed.

    Raises
    ------
    RunError
        If another process does so, or the run cannot be written.
    """
    with staging(run, Stage("replacement", {}, {})) as stage:
        for name in _swaps(run):
            if (run / name / JOURNAL).exists():
                _finish(run, run / name)
            (run / name).remove()
        yield stage


@contextmanager
def replacement(run: Location) -> Iterator[Location]:
    """Give an empty hidden folder; the products that are in it after the block replace those of the run.

    If the block raises, the folder is gone and the run is as it was.
    """
    fresh = run / f"{SWAP}{uuid.uuid4().hex[:12]}"
    try:
        yield fresh
        products = [name for name in fresh.names() if (fresh / name / manifests.NAME).exists()]
        with whole_output(fresh / JOURNAL) as sink:
            sink.write(json.dumps({"products": products}).encode())
    except BaseException:
        fresh.remove()
        raise
    _finish(run, fresh)


def finish_swaps(run: Location) -> bool:
    """Let the products appear that were whole when their replacement was stopped; say whether there were any.

    Raises
    ------
    RunError
        If another process is at it.
    """
    if not any((run / name / JOURNAL).exists() for name in _swaps(run)):
        return False
    with sole_replacer(run):
        return True


def _swaps(run: Location) -> list[str]:
    """Name the hidden folders of products that are to replace others."""
    return [name for name in run.names() if name.startswith(SWAP)] if run.kind() != fs.FileType.File else []


def _finish(run: Location, fresh: Location) -> None:
    """Let the products of a journal take their places; those that have are passed over."""
    for product in json.loads((fresh / JOURNAL).read_bytes().to_pybytes())["products"]:
        if (fresh / product / manifests.NAME).exists():
            _take_place(fresh, run, product)
    fresh.remove()


def _take_place(fresh: Location, run: Location, product: str) -> None:
    """Put a product where another may be, or what is left of one that was interrupted here before."""
    final = run / product
    if run.is_local:
        if final.exists():
            final.move_to(fresh / f"replaced-{product}")
        (fresh / product).move_to(final)
        return
    manifest = read_manifest(fresh, product)
    names = {entry.name for entry in manifest.files} if manifest else set()
    (final / manifests.NAME).remove()  # From here on, and until the last step, it is no product.
    for name in sorted(names & (fresh / product).files().keys()):
        (fresh / product / name).move_to(final / name)
    for name in final.files().keys() - names:
        (final / name).remove()
    (fresh / product / manifests.NAME).move_to(final / manifests.NAME)
