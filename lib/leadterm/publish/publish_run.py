"""Writes a published copy of a run: a folder that is whole, or absent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from leadterm.atomic_files import whole
from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import DatasetSection
from leadterm.errors import RunError
from leadterm.publish.croissant import metadata
from leadterm.publish.dataset_card import card
from leadterm.publish.published_run import Dataset
from leadterm.run.open_run import Run
from leadterm.storage import FileEntry, Location, Manifest, read_manifest
from leadterm.storage import manifest as manifests
from leadterm.storage.formats.sha256sums import SUMS, sums_text
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.staged.hashing_sink import hashing_output

CARD, CROISSANT = "README.md", "croissant.json"
IDENTITY = (Product.WINDOWS, Product.VOCABULARY)
"""Products by which a run is known again."""

Told = Callable[[int, int], object]


@dataclass(frozen=True)
class Published:
    """What was written.

    Attributes
    ----------
    place
        The folder.
    tables
        Names of the tables.
    files, n_bytes
        How many files there are, and how long they are together.
    unstated
        Keys of the config's section ``dataset`` that others will ask for and that say nothing.
    """

    place: Location
    tables: tuple[str, ...]
    files: int
    n_bytes: int
    unstated: tuple[str, ...]


def publish_run(
    run: Location,
    output: Location,
    section: DatasetSection | None = None,
    *,
    windows: bool = False,
    on_bytes: Told = lambda _done, _total: None,
) -> Published:
    """Copy the tables of a run into a folder, with a card, Croissant metadata and the hash of every file.

    The folder is laid out as the run is: ``leadterm.open_run`` opens it. Of products that are not published their
    manifests are there.

    Parameters
    ----------
    run
        The run directory; it holds the counts.
    output
        The folder, on a local disk. A published copy of this run that is there, and whole, is replaced.
    section
        What the card says of title, licence and sources.
    windows
        Whether the text, as windows of token ids, is published too.
    on_bytes
        Told how many bytes were copied, of how many.

    Raises
    ------
    RunError
        If the run is incomplete or damaged, or the folder is taken by something else.
    MachineError
        If the folder cannot be written.
    """
    dataset = Dataset(Run(run), section or DatasetSection(), windows)
    for name in (Product.VOCABULARY, *Job.COUNT_COOCCURRENCES.makes):
        dataset.run.manifest(name)
    _require_place(run, output)
    n_bytes = dataset.n_bytes
    with whole(Path(output.path)) as partial:
        files = _write(dataset, Location.of(partial), on_bytes, n_bytes)
    tables = tuple(table.name for table in dataset.tables)
    total = sum(length for length, _ in files.values())
    return Published(output, tables, len(files), total, tuple(dataset.unstated))


def _require_place(run: Location, output: Location) -> None:
    """Refuse a place that is not on a disk of this machine, lies in the run, or holds anything but a copy of it."""
    if not output.is_local:
        raise RunError(f"{output} is not a local folder. Publish to a local disk, and copy it from there.")
    place = Path(output.path).resolve()
    if run.is_local:
        source = Path(run.path).resolve()
        if place.is_relative_to(source) or source.is_relative_to(place):
            raise RunError(f"{output} and the run {run} are nested in each other. Choose another output.")
    if not output.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    remedy = "Choose another output, or move it away."
    if not (output / SUMS).exists():
        raise RunError(f"{output} exists and is not a published copy of a run. {remedy}")
    checked = check_run(output)
    if checked.problems:
        raise RunError(f"{output} was changed since it was published: {'; '.join(checked.problems[:3])}. {remedy}")
    if _identity(output) != _identity(run):
        raise RunError(f"{output} is a published copy of another run. {remedy}")


def _identity(run: Location) -> list[str | None]:
    """Give the content hashes by which a run is known again."""
    found = (read_manifest(run, name) for name in IDENTITY)
    return [manifest.content_hash if manifest else None for manifest in found]


def _write(dataset: Dataset, folder: Location, on_bytes: Told, total: int) -> dict[str, tuple[int, str]]:
    """Write all files into an empty folder; returns their lengths and hashes by path."""
    files: dict[str, tuple[int, str]] = {}
    done = 0
    for path, entry in dataset.files():
        _copy(dataset.run.location / path, folder / path, entry)
        files[path] = entry.bytes, entry.sha256
        done += entry.bytes
        on_bytes(done, total)
    for path, text in _accounts(dataset):
        files[path] = _put(folder / path, text)
    files[CARD] = _put(folder / CARD, card(dataset).encode())
    described = json.dumps(metadata(dataset, files), indent=1, ensure_ascii=True, allow_nan=False)
    files[CROISSANT] = _put(folder / CROISSANT, f"{described}\n".encode())
    sums = sums_text({path: sha256 for path, (_, sha256) in files.items()})
    return files | {SUMS: _put(folder / SUMS, sums.encode())}


def _accounts(dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """Give the manifests, and say in those of what is left out that it is."""
    kept: list[tuple[str, Manifest]] = [*dataset.manifests.items()]
    left_out = [(folder, replace(manifest, withheld=True)) for folder, manifest in dataset.withheld.items()]
    for folder, manifest in (*kept, *left_out):
        yield f"{folder}/{manifests.NAME}", manifest.to_json()


def _copy(source: Location, target: Location, entry: FileEntry) -> None:
    """Copy a file, and compare what was read with its hash."""
    target.make_parent()
    with hashing_output(target) as sink:
        for chunk in _chunks(source):
            sink.write(chunk)
    if sink.sha256 != entry.sha256:
        raise RunError(
            f"{source} is damaged: its SHA-256 is {sink.sha256[:16]}…, the manifest says {entry.sha256[:16]}…"
        )


def _chunks(source: Location) -> Iterator[bytes]:
    """Read a file of the run."""
    try:
        yield from source.chunks()
    except FileNotFoundError as error:
        raise RunError(f"{source} is missing, though the manifest lists it. Rebuild the product.") from error
    except OSError as error:
        raise RunError(f"cannot read {source}: {error}. Check its disk and its permissions.") from error


def _put(place: Location, data: bytes) -> tuple[int, str]:
    """Write a small file; returns its length and hash."""
    place.write_bytes(data)
    return len(data), hashlib.sha256(data).hexdigest()
