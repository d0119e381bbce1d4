"""Finds the Java that Spark runs on; ``python -m leadterm.spark.java`` writes its folder on standard output.

It is used before anything else is there, so it imports neither PySpark nor any other package.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from leadterm.errors import MachineError

# Spark 4's overview page: "Spark runs on Java 17/21/25"; Java 25 before 25.0.3 may corrupt data under the default
# garbage collector (SPARK-55852, JDK-8377811). In the order of preference: 17 is what Spark itself is built with.
OLDEST_SUPPORTED = {17: (17,), 21: (21,), 25: (25, 0, 3)}

# macOS's /usr/libexec/java_home lists what lies in the two Library folders, so it need not be asked.
USUAL_PLACES = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/home/linuxbrew/.linuxbrew/opt/openjdk*/libexec",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
)

REMEDY = """\
Spark needs Java 17, 21 or 25 (25.0.3 or later). Install one:
  Debian, Ubuntu  sudo apt-get install openjdk-17-jre-headless    (Debian 13: openjdk-21-jre-headless)
  Fedora          sudo dnf install java-21-openjdk-headless
  macOS           brew install openjdk@17
or set JAVA_HOME to the folder of an existing installation."""


@dataclass(frozen=True)
class Java:
    """A Java that runs: its folder, as ``JAVA_HOME`` wants it, and its version, ``(17, 0, 15)``."""

    home: Path
    version: tuple[int, ...]

    @property
    def is_supported(self) -> bool:
        """Whether Spark 4 supports this version."""
        feature = self.version[0]
        return feature in OLDEST_SUPPORTED and self.version >= OLDEST_SUPPORTED[feature]

    def __str__(self) -> str:
        return f"Java {'.'.join(map(str, self.version))}"


def find_java(places: Iterable[Path] | None = None) -> Path:
    """Find a Java that Spark supports.

    What the user chose goes first: ``JAVA_HOME``, then the ``java`` on ``PATH``. Among the rest, Java 17 is
    preferred to 21 and 21 to 25, and the newest update of each.

    Parameters
    ----------
    places
        Java folders to look at after ``JAVA_HOME`` and ``PATH``; the usual ones of Linux and macOS by default.

    Returns
    -------
    Path
        The value for ``JAVA_HOME``.

    Raises
    ------
    MachineError
        No supported Java is there. The message lists what was found and how to install one.
    """
    found = []
    for label, program in _chosen_by_user():
        java = _inspect(program)
        if java and java.is_supported:
            return java.home
        found.append(f"{label}: {java or 'no working Java'}")
    places = _usual_places() if places is None else places
    others = {java for place in places if (java := _inspect(place / "bin/java"))}
    if supported := [java for java in others if java.is_supported]:
        return max(supported, key=_preference).home
    found += sorted(f"{java.home}: {java}" for java in others)
    listing = "".join(f"\n  {line}" for line in found) or " none"
    raise MachineError(f"No Java that Spark supports was found on this machine. Looked at:{listing}\n{REMEDY}")


def main(arguments: list[str] | None = None) -> int:
    """Write the folder of the Java to use on standard output; return 1 and say what to do where there is none."""
    parser = argparse.ArgumentParser(
        prog="python -m leadterm.spark.java", description="Find a Java installation for Spark."
    )
    parser.add_argument("--install", action="store_true", help="install Java with apt-get if there is none")
    install = parser.parse_args(arguments).install
    try:
        home = _find_or_install() if install else find_java()
    except MachineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{home}\n")
    return 0


def _find_or_install() -> Path:
    try:
        return find_java()
    except MachineError:
        from leadterm.spark.install_java import install_java  # noqa: PLC0415  # only what is asked to may install

        sys.stderr.write("Installing Java for Spark with apt-get\n")
        install_java()
        return find_java()


def _chosen_by_user() -> Iterator[tuple[str, Path]]:
    if home := os.environ.get("JAVA_HOME"):
        yield f"JAVA_HOME={home}", Path(home) / "bin/java"
    if program := shutil.which("java"):
        yield f"PATH has {program}", Path(program)


def _usual_places() -> Iterator[Path]:
    for pattern in USUAL_PLACES:
        path = Path(os.path.expanduser(pattern))  # noqa: PTH111 - Path.expanduser raises for a user without a home
        yield from Path("/").glob(str(path).lstrip("/"))


def _preference(java: Java) -> tuple[int, tuple[int, ...], Path]:
    return -list(OLDEST_SUPPORTED).index(java.version[0]), java.version, java.home


def _inspect(program: Path) -> Java | None:
    """Read a Java's version from the file beside it, or ask it; None where `program` is not a Java that runs."""
    if not os.access(program, os.X_OK):
        return None
    home = program.resolve().parent.parent
    release = home / "release"
    if release.is_file():
        return _java(home, re.search(r'^JAVA_VERSION="([^"]+)"', release.read_text(errors="replace"), re.MULTILINE))
    # A launcher such as jenv's or macOS's own /usr/bin/java stands elsewhere than the Java that it starts.
    settings = run_quietly([str(program), "-XshowSettings:properties", "-version"]).stderr
    home_line = re.search(r"^\s*java\.home = (.+)$", settings, re.MULTILINE)
    version = re.search(r'version "([^"]+)"', settings)
    return _java(Path(home_line[1]) if home_line else home, version)


def _java(home: Path, version: re.Match[str] | None) -> Java | None:
    numbers = re.match(r"\d+(\.\d+)*", version[1]) if version else None
    if not numbers:
        return None
    parts = tuple(map(int, numbers[0].split(".")))
    return Java(home, parts[1:] if parts[0] == 1 and len(parts) > 1 else parts)  # Java 8 calls itself 1.8.


def run_quietly(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a program without a question and in English; one that cannot be started, or hangs, has failed."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


if __name__ == "__main__":
    sys.exit(main())
