"""Products of a run: a folder that is whole, with its manifest, or absent."""

import hashlib
from typing import Any, Literal

import pyarrow as pa
from pyarrow import fs

from leadterm.errors import RunError
from leadterm.storage import manifest as manifests
from leadterm.storage.location import Location
from leadterm.storage.manifest import FileEntry, Manifest
from leadterm.storage.staged.hashing_sink import whole_output

STAGING = ".staging-"
"""Folders of this prefix hold work in progress; nobody reads them."""
FINISHED = ".finished.json"
"""In a run: what the commands that finished it depended on; see `leadterm.pipeline.finished_work`."""
PARTS = "parts"
"""Where in it tasks write their files. The driver makes this folder, never a task: one that outlives its failed job
would bring the removed folder back."""
COUNTS = "counts"
"""Where in it tasks write the counts that a tokenizer is made from; the same holds of it."""


def read_manifest(run: Location, product: str) -> Manifest | None:
    """Read a product's manifest; None if the run has no such product.

    Raises
    ------
    RunError
        If the manifest cannot be read, is damaged, or is another product's.
    """
    place = run / product / manifests.NAME
    size = place.size()
    if size is None:
        return None
    if size > manifests.LARGEST:  # It is not read at all.
        raise RunError(f"{place} is not a manifest of leadterm: it has {size:,} bytes; rebuild the run")
    try:
        text = place.read_bytes().to_pybytes()
    except OSError as error:
        raise RunError(f"{place} cannot be read ({error}); rebuild the run") from error
    found = Manifest.from_json(text, str(place))
    if found.product != product:
        raise RunError(
            f"{place} is the manifest of '{found.product}', not of '{product}'. Give the folder its name back."
        )
    return found


def require_folder(run: Location) -> None:
    """Refuse a file in the place of a run."""
    if run.kind() == fs.FileType.File:
        raise RunError(f"{run} is a file; a run is a folder with one subfolder per product. Name that folder.")


Overwrite = bool | Literal["differing"]
"""What becomes of a product that is there: False, one that was made from others is refused, and one from the same
stays; ``differing``, the former is replaced; True, both are."""


def is_current(
    run: Location, product: str, made_from: dict[str, Any], settings: dict[str, Any], *, overwrite: Overwrite
) -> bool:
    """Say whether a product stays: it is there, with its files, and was made from the same inputs, settings and code.

    Raises
    ------
    RunError
        If it was made from others and ``overwrite`` is not set, or if its place is taken by something else.
    """
    if overwrite is True:
        return False
    found = read_manifest(run, product)
    if found is None:
        if (run / product).exists() and not overwrite and not _was_appearing(run, product):
            raise RunError(
                f"{run / product} exists but has no manifest, so leadterm did not make it or did not finish making it. "
                f"Choose another output, or replace it with --overwrite."
            )
        return False
    differences = found.differences(made_from, settings)
    if not differences:
        return not found.withheld
    if overwrite:
        return False
    listed = "; ".join(differences[:5])
    raise RunError(
        f"{run} contains another run: its '{product}' differs in {listed}. Choose another output, or --overwrite."
    )


def _was_appearing(run: Location, product: str) -> bool:
    """Say whether a job was stopped while it moved a product's files to their places, its manifest last."""
    stages = [run / name for name in run.names() if name.startswith(STAGING)]
    return any((stage / product / manifests.NAME).exists() for stage in stages)


def read_verified(run: Location, product: str, entry: FileEntry) -> pa.Buffer:
    """Read a file of a product and compare it with its hash in the manifest.

    Raises
    ------
    RunError
        If it is missing or its bytes are not those that were written; names the file.
    """
    place = run / product / entry.name
    try:
        data = place.read_bytes()
    except FileNotFoundError as error:
        if _is_withheld(run, product):
            raise RunError(
                f"{run} was published without the files of '{product}': only its manifest is there. Read it from "
                "the original run, or publish that run with these files."
            ) from error
        raise RunError(f"{place} is missing, though the manifest lists it. Rebuild the product.") from error
    except OSError as error:
        raise RunError(f"{place} cannot be read ({error}). Rebuild the product.") from error
    check = hashlib.sha256(memoryview(data)).hexdigest()
    if check != entry.sha256:
        raise RunError(f"{place} is damaged: its SHA-256 is {check[:16]}…, the manifest says {entry.sha256[:16]}…")
    return data


def list_file(folder: Location, name: str) -> FileEntry:
    """Make the manifest's entry of a file that lies in a product's folder."""
    place = folder / name
    return FileEntry(name, int(place.filesystem.get_file_info(place.path).size), place.sha256())


def write_manifest(folder: Location, manifest: Manifest) -> None:
    """Let the manifest of a product whose files are in their places appear."""
    with whole_output(folder / manifests.NAME) as sink:
        sink.write(manifest.to_json())


def _is_withheld(run: Location, product: str) -> bool:
    """Say whether a run was published without a product's files."""
    found = read_manifest(run, product)
    return found is not None and found.withheld
