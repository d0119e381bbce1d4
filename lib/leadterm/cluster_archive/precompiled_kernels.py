"""Kernels as machine code for processors like this one's, so that not every worker of a cluster compiles them.

numba keeps what it compiled beside the source, and takes it where the source has the same age and length and the
processor the same name and abilities. Elsewhere it compiles again.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from leadterm.cluster_archive.interpreter_files import Item
from leadterm.errors import MachineError
from leadterm.telemetry.progress import progress

MARK = b"\n@kernel("
"""What a module with kernels has in it."""
PROGRAM = """
import importlib, os, sys
from importlib.machinery import SourceFileLoader as Loader
Loader.source_to_code = lambda self, data, path, **_: compile(data, os.path.relpath(path), "exec", dont_inherit=True)
sys.path.insert(0, os.getcwd())
for name in sys.argv[1:]:
    importlib.import_module(name)
    print(name, flush=True)
"""
"""Imports modules of the folder it runs in. Paths are relative, as numba keeps them with what it compiled."""
INDEX, CODE = "*.nbi", "*.nbc"
"""What numba keeps: what there is of a kernel, and its machine code."""
ADDRESS = re.compile(rb"(?<= at 0x)[0-9a-f]+(?=>)")
"""Of a function in the memory of the process that compiled, in a comment that numba keeps with the code."""


def compiled_kernels(package: Mapping[str, Path], folder: Path, written_at: int) -> Iterator[Item]:
    """Compile the kernels of a package as it will be unpacked.

    Parameters
    ----------
    package
        The files of leadterm by their names in the folder of packages.
    folder
        A new folder, for a copy of them, and in the end for what is compiled.
    written_at
        When the files of the archive were written, in seconds since 1970.

    Yields
    ------
    Item
        A file, by its name in the folder of packages.

    Raises
    ------
    MachineError
        Says what a module lacks that cannot be imported.
    """
    folder.mkdir()
    for name, place in package.items():
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(place.read_bytes())
        os.utime(copy, (written_at, written_at))
    modules = [name for name, place in sorted(package.items()) if name.endswith(".py") and MARK in place.read_bytes()]
    _import(folder, [name.removesuffix(".py").replace("/", ".") for name in modules])
    for path in folder.rglob(CODE):
        path.write_bytes(ADDRESS.sub(lambda found: b"0" * len(found[0]), path.read_bytes()))
    for path in (*folder.rglob(INDEX), *folder.rglob(CODE)):
        yield str(path.relative_to(folder)), path


def _import(folder: Path, modules: list[str]) -> None:
    """Import modules of a folder, one after the other, and so compile their kernels."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment["PYTHONHASHSEED"] = "0"
    command = [sys.executable, "-s", "-B", "-c", PROGRAM, *modules]
    said = []
    with (
        progress("compile kernels", len(modules), "modules") as report,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as running,
    ):
        for line in running.stdout or ():
            said.append(line)
            report(min(len(said), len(modules)))
    if running.returncode:
        raise MachineError(f"kernels could not be compiled: {''.join(said).strip()[-2000:]}")
