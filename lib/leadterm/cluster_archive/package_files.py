"""The files of the installed packages that leadterm needs on a cluster, found by what each says it requires."""

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import leadterm
from leadterm.cluster_archive.interpreter_files import Item
from leadterm.errors import MachineError

FROM_SPARK = frozenset(("pyspark", "py4j"))
"""Spark brings its own to every Python it starts; those of another version would not do."""
FOR_DRIVERS = frozenset(("pandas",))
"""What counts on an executor does not import it."""
LEFT_OUT = frozenset(("__pycache__", "tests", "include"))
LEFT_OUT_ENDINGS = (".pyc", ".pyi", ".a", ".h", ".hpp", ".pxd", ".pyx", ".cu", ".cuh")


def needed_packages(extras: tuple[str, ...], left_out: frozenset[str]) -> dict[str, Distribution]:
    """Find leadterm's requirements and theirs, as they are installed, by name.

    Parameters
    ----------
    extras
        Of leadterm.
    left_out
        Packages that do not go along, nor what only they require.

    Raises
    ------
    MachineError
        Names a package that is required and not installed.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting = [(Requirement("leadterm"), extras)]
    while waiting:
        requirement, wanted = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in left_out or (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            found[name] = distribution(requirement.name)
        except PackageNotFoundError as error:
            remedy = f"pip install 'leadterm[{','.join(extras)}]'"
            raise MachineError(f"the package {requirement.name} is not installed here. Run {remedy}.") from error
        lines = [Requirement(line) for line in found[name].requires or []]
        waiting += [(one, tuple(sorted(one.extras))) for one in lines if _applies(one, wanted)]
    return found


def _applies(requirement: Requirement, extras: tuple[str, ...]) -> bool:
    """Say whether a requirement is one of this machine and these extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def package_files(packages: dict[str, Distribution]) -> Iterator[Item]:
    """List the files of packages by their names below the folder of packages; leadterm's own from where it runs.

    Raises
    ------
    MachineError
        Names a package of which it is not known what belongs to it.
    """
    for name, package in packages.items():
        if name == "leadterm":
            continue
        if package.files is None:
            raise MachineError(f"the files that belong to {name} are not recorded: install it again with pip")
        for file in package.files:
            place = Path(str(package.locate_file(file)))
            if ".." not in file.parts and _is_wanted(Path(file)) and place.exists():
                yield str(file), place
    root = Path(leadterm.__file__).parent
    for place in root.rglob("*"):
        if place.is_file() and _is_wanted(place.relative_to(root)):
            yield f"leadterm/{place.relative_to(root)}", place


def _is_wanted(path: Path) -> bool:
    """Leave out tests, what is compiled against, and what Python writes by itself."""
    return not LEFT_OUT.intersection(path.parts[:-1]) and not path.name.endswith(LEFT_OUT_ENDINGS)
