"""Writes an environment as an archive for ``spark-submit --archives``, and tries it."""

import gzip
import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leadterm._version import __version__
from leadterm.atomic_files import whole
from leadterm.cluster_archive import interpreter_files as interpreter
from leadterm.cluster_archive.package_files import FOR_DRIVERS, FROM_SPARK, needed_packages, package_files
from leadterm.cluster_archive.precompiled_kernels import compiled_kernels
from leadterm.errors import MachineError
from leadterm.telemetry.progress import progress

LEVEL = 1
"""Of compression: level 6 takes four times as long for a tenth less."""
WRITTEN_AT = 315532800
"""1980-01-01, when every file was written, so that the same files give the same bytes."""
MEGABYTE = 10**6
COUNTING, COMPOSING = ("spark",), ("spark", "torch")
"""The extras of leadterm for executors that count, and for those that score checkpoints, and drivers."""
MODULES = (
    "catalog.jobs",
    "config.load",
    "corpus.bpe_trainer",
    "corpus.word_tokenizer",
    "counting.attention_terms",
    "storage",
)
"""What an executor imports before Spark's own packages are there."""


@dataclass(frozen=True)
class Packed:
    """An archive that was written.

    Attributes
    ----------
    path
        Where it lies.
    files
        How many it holds.
    unpacked_bytes, bytes
        Their lengths together, and its own.
    glibc
        The oldest that a machine may have.
    """

    path: Path
    files: int
    unpacked_bytes: int
    bytes: int
    glibc: str


def pack_environment(folder: Path, extras: Sequence[str] = ()) -> Packed:
    """Pack the interpreter that runs, the packages that leadterm needs, and leadterm.

    Parameters
    ----------
    folder
        Where the archive goes.
    extras
        Of leadterm. Without any, the archive is for executors that count: it holds neither PyTorch nor pandas. With
        any it serves drivers too.

    Returns
    -------
    Packed
        ``leadterm-<version>-env[-<extras>]-<platform>.tar.gz``, whose ``bin/python`` runs wherever it is unpacked.

    Raises
    ------
    MachineError
        If this is no Linux, a package is missing, the archive cannot be written, or what was packed does not run.
    """
    interpreter.require_linux()
    packages = (
        needed_packages((*COMPOSING, *extras), FROM_SPARK)
        if extras
        else needed_packages(COUNTING, FROM_SPARK | FOR_DRIVERS)
    )
    below = interpreter.packages_folder()
    items = dict(interpreter.standard_library())
    items[f"bin/{interpreter.VERSION}"] = interpreter.binary()
    items |= {f"{below}/{name}": place for name, place in package_files(packages)}
    items |= dict(interpreter.shared_libraries(items.values()))
    name = "-".join(["leadterm", __version__, "env", *extras, interpreter.platform_name()])
    path = (folder / f"{name}.tar.gz").resolve()
    with whole(path) as partial, tempfile.TemporaryDirectory(dir=path.parent) as place:
        items |= _compiled(items, below, Path(place) / "compiled")
        n_bytes, glibc = _write(partial, items), interpreter.needed_glibc(items.values())
        _try(partial, MODULES)
    return Packed(path, len(items), n_bytes, path.stat().st_size, glibc)


def _compiled(items: Mapping[str, Path], below: str, folder: Path) -> dict[str, Path]:
    """Compile leadterm's kernels in a folder; give the files that it takes to have them compiled."""
    start = f"{below}/leadterm/"
    package = {name.removeprefix(f"{below}/"): place for name, place in items.items() if name.startswith(start)}
    return {f"{below}/{name}": place for name, place in compiled_kernels(package, folder, WRITTEN_AT)}


def _write(path: Path, items: Mapping[str, Path]) -> int:
    """Write an archive, in the order of names; give the length of all files."""
    sizes = {name: place.stat().st_size for name, place in items.items()}
    done, total = 0, sum(sizes.values())
    with (
        progress("pack environment", -(-total // MEGABYTE), "MB") as report,
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, text in (("bin/python", interpreter.LAUNCHER), ("bin/python3", interpreter.LAUNCHER)):
            archive.addfile(_entry(name, len(text), executable=True), io.BytesIO(text.encode()))
        for name in sorted(items):
            with items[name].open("rb") as file:
                archive.addfile(_entry(name, sizes[name], os.access(items[name], os.X_OK)), file)
            done += sizes[name]
            report(-(-done // MEGABYTE))
    return total


def _entry(name: str, size: int, executable: bool) -> tarfile.TarInfo:
    """Describe a file of the archive; nobody's, and from no time."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, WRITTEN_AT, 0o755 if executable else 0o644
    return entry


def _try(path: Path, modules: Sequence[str]) -> None:
    """Unpack an archive and import what executors import, with nothing of this environment at hand.

    Raises
    ------
    MachineError
        Says what went wrong.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        subprocess.run(["tar", "-xzf", str(path), "-C", folder], check=True)
        program = "; ".join(f"import leadterm.{module}" for module in modules)
        command = [f"{folder}/bin/python", "-I", "-B", "-c", program]
        tried = subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, check=False)
    if tried.returncode:
        raise MachineError(f"the packed environment does not run: {tried.stderr.strip()[-2000:]}")
