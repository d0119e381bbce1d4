"""Which files a run holds, and what its manifests, and the list of a published copy, say should be there."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pyarrow import fs

from leadterm.catalog.products import SHUFFLED_RUN
from leadterm.errors import RunError
from leadterm.storage import manifest as manifests
from leadterm.storage.formats.sha256sums import SUMS, read_sums
from leadterm.storage.location import Location
from leadterm.storage.manifest import Manifest, has_seal
from leadterm.storage.read_products import FINISHED, STAGING, read_manifest
from leadterm.storage.staged.replace_products import JOURNAL, SWAP

UNFINISHED = "unfinished"
"""The folder of a product that grows a part at a time, until it is whole and has a manifest."""


@dataclass(frozen=True)
class Claim:
    """What a file's hash should be.

    Attributes
    ----------
    sha256
        In hexadecimal.
    by
        What says so.
    """

    sha256: str
    by: str


@dataclass(frozen=True)
class Inventory:
    """All files of a run and all that is said about them; paths are those from the run's folder.

    Attributes
    ----------
    files
        Lengths of the files that are there.
    products
        Manifests by the folder of their product.
    claims
        What the hashes of files should be, whether they are there or not.
    broken
        Folders of products whose manifest cannot be read.
    unsealed
        Folders of products whose manifest has no hash of its own.
    is_published
        Whether it is a published copy, in which every file is listed.
    problems
        What is wrong with manifests and lists themselves.
    """

    files: dict[str, int]
    products: dict[str, Manifest]
    claims: dict[str, list[Claim]]
    broken: frozenset[str]
    unsealed: frozenset[str]
    is_published: bool
    problems: tuple[str, ...]

    @classmethod
    def of(cls, place: Location) -> "Inventory":
        """Look into a run's folder.

        Raises
        ------
        RunError
            If there is no manifest in it.
        """
        files = {} if place.kind() == fs.FileType.File else place.files()
        made = [path for path in files if not path.startswith(STAGING)]
        folders = [path.rpartition("/")[0] for path in made if path.rpartition("/")[2] == manifests.NAME]
        if not folders:
            raise RunError(f"{place} contains no leadterm product. Name a run directory, or a published copy of one.")
        products, problems = _read(place, folders)
        claims = _claims(products)
        try:
            listed = read_sums(place)
        except RunError as error:
            listed, problems = {}, [*problems, _without(place, str(error))]
        for path, sha256 in listed.items():
            claims[path].append(Claim(sha256, SUMS))
        unsealed = {folder for folder in products if not has_seal(_manifest_of(place, folder))}
        broken = frozenset(folders) - products.keys()
        return cls(files, products, dict(claims), broken, frozenset(unsealed), SUMS in files, tuple(problems))

    def misplaced(self) -> Iterator[str]:
        """Name what is missing and what should not be there."""
        for path, claims in self.claims.items():
            if path not in self.files:
                yield f"{path} is missing, though {claims[0].by} lists it"
        strangers = [path for path in self.files if not self._is_expected(path)]
        remnants = {path.partition("/")[0] for path in strangers if path.startswith(STAGING)}
        reason = f"{SUMS} does not list it" if self.is_published else "no manifest lists it"
        for path in strangers:
            if not path.startswith(STAGING):
                yield f"{path} is unexpected: {reason}"
        for folder in remnants:
            job = "" if folder.startswith(SWAP) else folder.removeprefix(STAGING).rpartition("-")[0]
            goes_on = f"run {job} again to resume, or remove it" if job else "remove it"
            if folder.startswith(SWAP) and f"{folder}/{JOURNAL}" in self.files:
                yield f"{folder} contains the remains of an interrupted replacement: run leadterm add or any job again"
            else:
                yield f"{folder} is unexpected: a job is running, or was interrupted; {goes_on} when no job is running"

    def notes(self) -> Iterator[str]:
        """Say what could not be checked."""
        if self.unsealed:
            listed = f"{len(self.unsealed)} of {len(self.products)} manifests, written by an earlier version"
            yield f"{listed}, have no hash of their own: changes to them may go unnoticed"
        for folder in self._growing:
            yield f"{folder} is not finished, so its files have no hashes yet"

    @property
    def _growing(self) -> list[str]:
        """Folders of products that are not finished."""
        ending = f"/{UNFINISHED}"
        return [folder.removesuffix(ending) for folder in self.products if folder.endswith(ending)]

    def _is_expected(self, path: str) -> bool:
        """Say whether a file should be there; of products with a broken manifest nobody knows."""
        if path in self.claims or path in (SUMS, FINISHED):
            return True
        if self.is_published:
            return False
        folder, _, name = path.rpartition("/")
        if name == manifests.NAME and folder in self.products.keys() | self.broken:
            return True
        return any(path.startswith(f"{unknown}/") for unknown in (*self.broken, *self._growing))


def _read(place: Location, folders: list[str]) -> tuple[dict[str, Manifest], list[str]]:
    """Read the manifests of some folders, and collect what is wrong with them."""
    products, problems = {}, []
    for folder in folders:
        prefix, product = split(folder)
        try:
            found = read_manifest(place / prefix if prefix else place, product)
        except RunError as error:
            problems.append(_without(place, str(error)))
        else:
            if found is not None:
                products[folder] = found
    return products, problems


def split(folder: str) -> tuple[str, str]:
    """Divide the folder of a product into the run it belongs to, if that lies in another one, and its name.

    Examples
    --------
    >>> split("shuffled/bigram"), split("alignment/pythia-14m")
    (('shuffled', 'bigram'), ('', 'alignment/pythia-14m'))
    """
    run, _, rest = folder.partition("/")
    if run == SHUFFLED_RUN:
        return run, rest
    product, _, last = folder.rpartition("/")
    return (product, last) if last == UNFINISHED else ("", folder)


def _claims(products: dict[str, Manifest]) -> defaultdict[str, list[Claim]]:
    """Collect what manifests say of the files of their products."""
    claims: defaultdict[str, list[Claim]] = defaultdict(list)
    for folder, manifest in products.items():
        for entry in () if manifest.withheld else manifest.files:
            claims[f"{folder}/{entry.name}"].append(Claim(entry.sha256, "the manifest"))
    return claims


def _manifest_of(place: Location, folder: str) -> bytes:
    """Read the text of a manifest."""
    text: bytes = (place / folder / manifests.NAME).read_bytes().to_pybytes()
    return text


def _without(place: Location, message: str) -> str:
    """Take the run's folder out of a message that begins with it."""
    return message.removeprefix(f"{place}/")
