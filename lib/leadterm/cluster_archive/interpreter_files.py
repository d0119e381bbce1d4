"""The files of the interpreter that runs, and of the system's libraries that it and compiled packages need."""

import os
import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from leadterm.errors import MachineError

Item = tuple[str, Path]
"""A name inside the archive, and the file that it holds."""

LEFT_OUT = frozenset(
    ("__pycache__", "test", "tests", "idlelib", "idle_test", "tkinter", "turtledemo", "lib2to3", "ensurepip",
     "site-packages", "dist-packages")
)  # fmt: skip
"""Folders of the standard library that no job needs; its tests alone are half of it."""
LEFT_OUT_FILES = re.compile(r".*\.(pyc|a)|_tkinter\..*|(_test|_ctypes_test|_xx).*\.so|sitecustomize\.py|python\.o")
OF_THE_SYSTEM = re.compile(
    r"(ld-linux.*|linux-(vdso|gate)|lib(c|m|dl|rt|pthread|util|resolv|nsl|anl|mvec|nss_\w+|cuda|nvidia.*))\.so.*"
)
"""Libraries that belong to the machine: those of glibc, which only go together, and drivers."""
_FOUND = re.compile(r"^\s*(\S+) => (/\S+)", re.MULTILINE)
_VERSION = re.compile(rb"\0GLIBC_2\.(\d+)(?:\.\d+)?(?=\0)")
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


def platform_name() -> str:
    """Say for which Python and which machines an archive is: ``cp311-linux_x86_64``."""
    return f"cp{sys.version_info.major}{sys.version_info.minor}-linux_{platform.machine()}"


def require_linux() -> None:
    """Refuse to pack what no cluster could run.

    Raises
    ------
    MachineError
        On any other system.
    """
    if sys.platform != "linux":
        raise MachineError(
            f"an environment packed on {sys.platform} does not run on a cluster of Linux machines. Pack "
            "it on one of them, or in a Linux container."
        )


def standard_library() -> Iterator[Item]:
    """List the files of the standard library."""
    root = Path(sysconfig.get_path("stdlib"))
    for folder, folders, files in os.walk(root):
        place = Path(folder)
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith("config-")]
        for name in files:
            if not LEFT_OUT_FILES.fullmatch(name) and (place / name).exists():
                yield f"lib/{VERSION}/{(place / name).relative_to(root)}", place / name


def binary() -> Path:
    """Find the program itself, behind links and virtual environments."""
    return Path(sys._base_executable).resolve()  # type: ignore[attr-defined]


def packages_folder() -> str:
    """Ask the interpreter where under its prefix it looks for packages, as Debian's looks elsewhere than others."""
    program = "import site; print(site.getsitepackages(['/prefix'])[0])"
    found = subprocess.run([str(binary()), "-I", "-c", program], capture_output=True, text=True, check=True)
    return str(Path(found.stdout.strip()).relative_to("/prefix"))


def shared_libraries(files: Iterable[Path]) -> Iterator[Item]:
    """List the libraries of this machine's system that programs and compiled modules name, and those that these name.

    Parameters
    ----------
    files
        Of which those that are ELF files are asked; libraries that lie beside others of ``files`` are not the system's.

    Raises
    ------
    MachineError
        If this machine has no ``ldd``.
    """
    asked = sorted({path.resolve() for path in files if ".so" in path.name or path == binary()})
    packed = {path.name for path in asked}
    try:
        answer = subprocess.run(["ldd", *map(str, asked)], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError as error:
        raise MachineError("ldd, which lists the libraries of a program, was not found; it comes with glibc") from error
    for name, place in sorted(set(_FOUND.findall(answer))):
        if name not in packed and not OF_THE_SYSTEM.fullmatch(name):
            yield f"lib/{name}", Path(place)


def needed_glibc(files: Iterable[Path]) -> str:
    """Find the oldest glibc that has all that compiled files name: ``2.36``."""
    newest = 0
    for path in files:
        data = path.read_bytes() if ".so" in path.name or path == binary() else b""
        if data.startswith(b"\x7fELF"):
            newest = max([newest, *map(int, _VERSION.findall(data))])
    return f"2.{newest}"


LAUNCHER = f"""\
#!/bin/sh
# Starts the Python beside this file, wherever it was unpacked, with the libraries that came with it.
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH="${{here%/bin}}/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export LD_LIBRARY_PATH
exec "$here/{VERSION}" "$@"
"""
"""``bin/python`` of an archive."""
