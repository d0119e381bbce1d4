"""Where products are put together before they appear, and where a job that was interrupted resumes."""

import errno
import hashlib
import json
import logging
import re
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

from pyarrow import fs

from leadterm._version import __version__
from leadterm.errors import LeadtermError, MachineError, RunError
from leadterm.storage import manifest as manifests
from leadterm.storage.location import Location
from leadterm.storage.manifest import Manifest
from leadterm.storage.read_products import COUNTS, PARTS, STAGING
from leadterm.storage.staged.lease import Owner, alive_in, is_free, is_mine, require_free, require_mine, take
from leadterm.storage.store_errors import require_reached

FORMAT = 1
"""Raised when what a staging folder holds changes so that a later version must not go on from it."""
WRITERS = ("numba", "numpy", "pyarrow", "scipy")
"""Packages whose version may show in the bytes of files or the last bits of sums: parts of two are not mixed."""
_NAMELESS = re.compile(re.escape(STAGING) + "[0-9a-f]{12}")
"""Folders of what is not gone on from."""
REMOVALS = 5
"""How often a folder is removed, a second apart, in which tasks that outlive their job still write."""

logger = logging.getLogger("leadterm")


@dataclass(frozen=True)
class Stage:
    """What a job does, which names its staging folder: the same work resumes where it was interrupted.

    Attributes
    ----------
    job
        Its name.
    made_from, settings
        As in the manifests of its products.
    details
        What else its parts depend on.
    """

    job: str
    made_from: dict[str, Any]
    settings: dict[str, Any]
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The name of its staging folder: the job, and a hash of all that its parts depend on."""
        code = {"leadterm": __version__, "format": FORMAT} | {name: version(name) for name in WRITERS}
        text = json.dumps(asdict(self) | {"code": code}, sort_keys=True, default=str)
        return f"{_prefix(self.job)}{hashlib.sha256(text.encode()).hexdigest()[:16]}"


class Staging:
    """A hidden folder of a run in which products are put together before they appear."""

    def __init__(self, run: Location, name: str) -> None:
        self._run = run
        self.folder = run / name

    @property
    def parts(self) -> Location:
        """Where tasks write."""
        return self.folder / PARTS

    @property
    def counts(self) -> Location:
        """Where they write what a tokenizer is made from, which is kept here too; there only if it is needed."""
        return self.folder / COUNTS

    def commit(self, manifest: Manifest, parts: Iterable[tuple[Location, str]]) -> None:
        """Let a product appear in the run: all its files, then its manifest, or nothing.

        On a local disk the whole folder is renamed at once. On an object store, where there is no such step, the
        manifest is moved last, and a product without a manifest does not exist for readers.

        Parameters
        ----------
        manifest
            Of the product.
        parts
            Where each file lies now, and its name in the product.

        Raises
        ------
        RunError
            If another job has taken the folder over meanwhile.
        """
        require_mine(self.folder)
        staged = self.folder / manifest.product
        staged.remove()  # What a job that was interrupted had moved there was made again.
        for place, name in parts:
            place.move_to(staged / name)
        (staged / manifests.NAME).write_bytes(manifest.to_json())
        final = self._run / manifest.product
        if self._run.is_local:
            if final.exists():
                final.move_to(self.folder / f"replaced-{manifest.product}-{uuid.uuid4().hex[:12]}")
            staged.move_to(final)
            return
        final.remove()
        for name in [*(entry.name for entry in manifest.files), manifests.NAME]:
            (staged / name).move_to(final / name)

    def keep_finished(self) -> bool:
        """Remove all but finished parts, whose names are not hidden; says whether there is one, as far as one sees."""
        return any([_keep_finished(self.parts), _keep_finished(self.counts)])


def _keep_finished(folder: Location) -> bool:
    """Remove all but finished parts from one folder; says whether there is one, as far as one sees."""
    try:
        names = folder.names()
        for name in names:
            if name.startswith("."):
                (folder / name).remove()
    except NotADirectoryError:
        return False
    except (OSError, MachineError):
        return True
    return not all(name.startswith(".") for name in names)


@contextmanager
def staging(run: Location, stage: Stage | None = None) -> Iterator[Staging]:
    """Open a staging folder; it is gone after the block, unless a part was finished and can be gone on from.

    Parameters
    ----------
    run
        The run directory.
    stage
        What is done. If it is given, finished parts are kept where the machine failed or the job was stopped, and are
        here when the same is done again; they are not where an input or a setting was refused.

    Raises
    ------
    RunError
        If the run's place is a file, cannot be written, or another job does the same here.
    """
    if run.kind() == fs.FileType.File:
        raise RunError(f"{run} is a file; the output must be a folder")
    made_run, kept, is_ours = not run.exists(), False, True
    staged = Staging(run, stage.folder if stage else f"{STAGING}{uuid.uuid4().hex[:12]}")
    for name in _leftovers(run, stage):
        require_free(run / name)
        _remove(run / name)
    _take(run, staged)
    try:
        with alive_in(staged.folder):
            try:
                yield staged
            except BaseException as error:
                is_ours = is_mine(staged.folder)
                kept = stage is not None and is_ours and not _is_refusal(error) and staged.keep_finished()
                raise
    finally:
        if not is_ours:
            logger.warning("%s now belongs to the job that took it over", staged.folder)
        elif kept:
            logger.warning("finished parts are kept in %s; run again to resume", staged.folder)
        else:
            _remove(staged.folder)
        with suppress(OSError, MachineError):
            if made_run and not run.names():
                run.remove()


def forget(run: Location, job: str) -> None:
    """Remove what is left of a job whose products are there: it was stopped after it had made them."""
    for name in run.names():
        if name.startswith(_prefix(job)) and is_free(run / name):
            _remove(run / name)


def _prefix(job: str) -> str:
    """Say how the names of all staging folders of a job begin."""
    return f"{STAGING}{job}-"


def _leftovers(run: Location, stage: Stage | None) -> list[str]:
    """List staging folders that nobody goes on from: those of other inputs or settings, and of jobs that were killed.

    A folder without a name of its job and without an owner is an earlier version's, which may be at work.
    """
    found = []
    for name in run.names():
        if stage is not None and name.startswith(_prefix(stage.job)):
            found += [name] if name != stage.folder else []
        elif _NAMELESS.fullmatch(name):
            found += [name] if Owner.of(run / name) is not None and is_free(run / name) else []
    return found


def _take(run: Location, staged: Staging) -> None:
    """Own a staging folder, and make the folder in it that tasks write to.

    Raises
    ------
    RunError
        If another job works in it, or it cannot be written.
    MachineError
        If there is no room on the disk for a line.
    """
    try:
        take(staged.folder)
        staged.parts.filesystem.create_dir(staged.parts.path, recursive=True)
        staged.keep_finished()
    except OSError as error:
        with suppress(OSError, MachineError):
            if not (staged.parts.names() or staged.counts.names()):
                staged.folder.remove()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError(
                f"a disk is full: free space where {run} lies, then run again; finished products are kept"
            ) from error
        require_reached(run, error, writes=True)
        raise RunError(f"cannot write to {run}: {error}. Choose a folder that you can write to.") from error


def _is_refusal(error: BaseException) -> bool:
    """Say whether an error is about what the user gave, not about the machine: the next run will be another."""
    return isinstance(error, LeadtermError) and not isinstance(error, MachineError)


def _remove(folder: Location) -> None:
    """Remove a staging folder; a task that outlives its job may write to it meanwhile."""
    for attempt in range(REMOVALS):
        try:
            folder.remove()
        except (OSError, MachineError) as error:
            if attempt == REMOVALS - 1:
                logger.warning("%s could not be removed: %s", folder, error)
            else:
                time.sleep(1.0)
        else:
            return
