"""Whether a command has anything to do: told in a second, without Spark, PyTorch or compiled kernels.

A command that has done all its jobs notes in the run what they depended on: the config, the versions of the code, the
files of the corpus, tokenizer and checkpoints by name, length and time of change, and what lies in the run. Given again
while all of that is the same, it has nothing to do. Otherwise its jobs decide, which read and hash the corpus.
"""

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa

from leadterm._version import __version__
from leadterm.config import Config, HuggingFaceTokenizerSection, canonical, read_as_table
from leadterm.errors import LeadtermError, UnknownFilesystemError
from leadterm.packages import EXTRAS
from leadterm.reading.hub_datasets import is_on_hub
from leadterm.reading.list_files import list_corpus
from leadterm.storage import manifest
from leadterm.storage.location import Location
from leadterm.storage.read_products import FINISHED

KEPT = 4
"""Commands of which this is known, such as ``run`` and ``add`` by turns."""
SETTLED = 2_000_000_000
"""Nanoseconds: a file that changed later than that before it was looked at may change again within one time of change,
since some file systems count whole seconds."""
THREADS = 16
"""Files that are looked at together: on an object store each takes a request."""
logger = logging.getLogger("leadterm")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_GPUS = ("/dev/nvidia0", "/dev/kfd")


@dataclass(frozen=True)
class FinishedWork:
    """What a command was asked for.

    Attributes
    ----------
    command
        Its name, and what it was given beside a config: the same words, the same work.
    config
        Of the run.
    run
        The run directory.
    """

    command: tuple[str, ...]
    config: Config
    run: Location

    def is_done(self) -> bool:
        """Say whether the command finished before and all that it depended on is the same."""
        noted = self._noted().get(self._key)
        return noted is not None and self._inputs is not None and noted == self._state()

    def note(self) -> None:
        """Note that the command has done all its jobs; nothing where that could not be told again.

        What it depended on must have been looked at before it began, by `is_done` or `look`.
        """
        if self._inputs is None or not self._inputs[1]:
            return
        noted = {key: value for key, value in self._noted().items() if key != self._key}
        noted = dict([*noted.items(), (self._key, self._state())][-KEPT:])
        try:
            (self.run / FINISHED).write_bytes(json.dumps(noted, indent=1).encode())
        except (OSError, LeadtermError) as error:  # All jobs are done; the next command looks again.
            logger.info("the next command will read the corpus again: %s", error)

    def look(self) -> None:
        """Look at the inputs now."""
        _ = self._inputs

    @property
    def n_files(self) -> int:
        """How many files it depends on."""
        return 0 if self._inputs is None else self._inputs[2]

    @property
    def _key(self) -> str:
        """Hashed: a config may hold passwords, and a run is passed on."""
        return _hash([json.dumps([*self.command, canonical(self.config)], sort_keys=True)])

    def _noted(self) -> dict[str, Any]:
        try:
            found = json.loads((self.run / FINISHED).read_bytes().to_pybytes())
        except (OSError, ValueError, LeadtermError):
            return {}
        return found if isinstance(found, dict) else {}

    def _state(self) -> dict[str, str]:
        inputs = "" if self._inputs is None else self._inputs[0]
        return {"code": _hash(_versions()), "inputs": inputs, "run": _hash(_contents(self.run))}

    @cached_property
    def _inputs(self) -> tuple[str, bool, int] | None:
        """Hash the names, lengths and times of change of all input files; say whether they have settled, and how many.

        None where inputs cannot be told apart in this way.
        """
        if not _can_be_told(self.config):
            return None
        try:
            stamps = sorted(_stamps(self.config))
        except (LeadtermError, OSError, pa.ArrowInvalid):  # Whoever reads them says what is wrong.
            return None
        settled = all(changed < time.time_ns() - SETTLED for *_, changed in stamps)
        return _hash(" ".join(map(str, stamp)) for stamp in stamps), settled, len(stamps)


def _can_be_told(config: Config) -> bool:
    """Say whether files of this machine or a store are all that a run reads: no table, no branch of a hub."""
    if read_as_table(config.corpus) or any(map(is_on_hub, config.corpus.paths)):
        return False
    named: list[tuple[str, Sequence[str] | None]] = []
    if isinstance(config.tokenizer, HuggingFaceTokenizerSection):
        named.append((config.tokenizer.source, _listed(config.tokenizer.revision)))
    if config.alignment is not None:
        named += [(one.source, one.revisions) for one in config.alignment.checkpoints]
    return all(_is_here(source) or _is_pinned(revisions) for source, revisions in named)


def _listed(revision: str | None) -> tuple[str, ...] | None:
    return None if revision is None else (revision,)


def _is_here(source: str) -> bool:
    return Path(source).expanduser().exists()


def _is_pinned(revisions: Sequence[str] | None) -> bool:
    """Say whether revisions are commits, which never change."""
    return bool(revisions) and all(_COMMIT.fullmatch(one) for one in revisions or ())


def _stamps(config: Config) -> Iterator[tuple[str, int, int]]:
    """Give the address, length and time of change of each file that a run reads.

    Raises
    ------
    LeadtermError
        A path cannot be listed.
    """
    listing = list_corpus(config.corpus.paths)
    yield from _of_places([place for place, _ in listing.ordered()])
    yield from ((f"passed over {address}", 0, 0) for address in listing.left_out)
    sources = [one.source for one in config.alignment.checkpoints] if config.alignment else []
    if isinstance(config.tokenizer, HuggingFaceTokenizerSection):
        sources.append(config.tokenizer.source)
    for source in filter(_is_here, sources):
        place = Location.of(Path(source).expanduser())
        yield from _of_places([place / name for name in place.files()] or [place])


def _of_places(places: Sequence[Location]) -> Iterator[tuple[str, int, int]]:
    with ThreadPoolExecutor(THREADS) as pool:
        for place, (size, changed) in zip(places, pool.map(Location.stamp, places), strict=True):
            if changed == 0:
                raise UnknownFilesystemError(f"{place}: it is not known when it changed")
            yield place.uri, size, changed


def _contents(run: Location) -> Iterator[str]:
    """Say what lies in a run: its files with their lengths, and of manifests all."""
    for name, size in run.files().items():
        if name == FINISHED:
            continue
        yield f"{name} {size}"
        if name.rpartition("/")[2] == manifest.NAME:
            yield hashlib.sha256((run / name).read_bytes()).hexdigest()


def _versions() -> Iterator[str]:
    """Name what else products may depend on: the code, the packages it uses, and whether there is a GPU."""
    yield f"leadterm {__version__}"
    names = {name for packages in EXTRAS.values() for name in packages.values()} | {"numpy", "pyarrow", "scipy"}
    for name in sorted(names):
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"{name} is not installed"
    yield f"GPU {[Path(device).exists() for device in _GPUS]} {os.environ.get('CUDA_VISIBLE_DEVICES')}"


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
