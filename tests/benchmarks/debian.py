"""A large corpus of real English: Debian's documentation packages, fetched with apt and never installed.

Each page is a document of those of its paragraphs that are prose (:mod:`benchmarks.prose`) and were not in a page
before, in the order of ``PACKAGES`` and of paths; paragraphs that differ in names of code or numbers only count as the
same, so that what a program wrote a thousand times is there once.
"""

import gzip
import hashlib
import json
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from shutil import which
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from benchmarks.corpus import SHORTEST, by_content, write_texts
from benchmarks.machine import usable_cores
from benchmarks.prose import page_paragraphs, template, text_paragraphs

PACKAGES = tuple(Path(__file__).with_name("debian-packages.txt").read_text(encoding="utf-8").split())
PAGES, MODELS, TEXTS = (".html", ".htm", ".xhtml"), ("/service-2.json",), (".txt", ".rst", ".md", ".pod", ".dict")
"""Ends of names: of pages, of services that describe themselves, and of plain text, which is taken where a package has
no pages."""
LONGEST = 100_000
"""Characters: of a longer page or dictionary every so many are a document."""
FORMAT = 1
"""Raised when the extraction changes, so that an older cached file is not taken."""
SCHEMA = pa.schema([(name, pa.string()) for name in ("text", "package", "path")])
Page = tuple[str, list[tuple[bytes, str]]]
"""Its path and its paragraphs, each with a hash of its template."""


def build_debian(folder: Path, packages: Sequence[str] = PACKAGES) -> Path:
    """Extract all documents into a Parquet file, columns ``text, package, path``, unless it is there.

    It is named after the packages and their versions. One of other versions is taken where it is there, without apt.
    They are sorted by a hash of their content, so that any first part of the file is a fair sample of the whole.

    Raises
    ------
    SystemExit
        There is no apt here, or a package cannot be fetched; says what to do.
    """
    stem = f"debian-{_digest((FORMAT, SHORTEST, tuple(packages)))}"
    built = [path for path in folder.glob(f"{stem}-*.parquet") if re.fullmatch(rf"{stem}-[0-9a-f]{{12}}", path.stem)]
    if built:
        return max(built, key=lambda path: path.stat().st_mtime)
    archives = download(packages, folder / "debian")
    rows = by_content(list(documents(archives)))
    target = folder / f"{stem}-{_digest([archive.name for archive in archives])}.parquet"
    write_texts(pa.Table.from_pylist(rows, SCHEMA), target)
    return target


def download(packages: Sequence[str], folder: Path) -> list[Path]:
    """Fetch the packages' archives that are not in the folder yet, and list all."""
    if not (which("apt-get") and which("dpkg-deb")):
        raise SystemExit(
            "This corpus is made of Debian's packages, and there is no apt-get or no dpkg-deb here. "
            "Take the text that is everywhere: --corpus docstrings"
        )
    folder.mkdir(parents=True, exist_ok=True)
    archives = []
    for package in tqdm(packages, "fetch Debian's documentation", unit=" packages", dynamic_ncols=True):
        if not (found := sorted(folder.glob(f"{package}_*.deb"))):
            done = subprocess.run(
                ["apt-get", "download", "-qq", package], cwd=folder, capture_output=True, text=True, check=False
            )
            found = sorted(folder.glob(f"{package}_*.deb"))
            if done.returncode or not found:
                raise SystemExit(
                    f"apt-get cannot fetch {package}: {done.stderr.strip()}\n"
                    "The packages are those of Debian 12. There, run first: apt-get update"
                )
        archives.append(found[-1])
    return archives


def documents(archives: Sequence[Path]) -> Iterator[dict[str, str]]:
    """Read all archives, on all cores, and give the documents: ``text``, ``package`` and ``path``."""
    with get_context("spawn").Pool(usable_cores()) as pool:
        found = pool.imap(read_archive, archives)
        pages = tqdm(found, "extract documentation", total=len(archives), unit=" packages", dynamic_ncols=True)
        seen: set[bytes] = set()
        for archive, some in zip(archives, pages, strict=True):
            for path, paragraphs in fresh(some, seen):
                for text in joined([paragraph for _, paragraph in paragraphs]):
                    yield {"text": text, "package": archive.name.partition("_")[0], "path": path}


def read_archive(archive: Path) -> list[Page]:
    """Read the pages of a package in the order of their paths, or its texts where it has no pages.

    Raises
    ------
    ValueError
        The archive is broken; names it.
    """
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as process:
        try:
            found = _paragraphs(process.stdout)
        except tarfile.TarError as error:
            raise ValueError(f"{archive} is no Debian package, or broken. Remove it, and run again") from error
    keyed = ((path, [(_key(one), one) for one in paragraphs]) for path, paragraphs in sorted(found.items()))
    return list(fresh(keyed, set()))


def _paragraphs(stream: Any) -> dict[str, list[str]]:
    """List the paragraphs of each page of an archive's files, or of each text where there are no pages."""
    pages: dict[str, list[str]] = {}
    texts: dict[str, list[str]] = {}
    with tarfile.open(fileobj=stream, mode="r|") as members:
        for member in filter(tarfile.TarInfo.isfile, members):
            name = re.sub(r"\.(gz|dz)$", "", member.name)
            if name.endswith(PAGES):
                pages[member.name] = page_paragraphs(_read(members, member))
            elif name.endswith(MODELS):
                pages[member.name] = page_paragraphs("<p>".join(_documented(_read(members, member))))
            elif name.endswith(TEXTS):
                texts[member.name] = text_paragraphs(_read(members, member))
    return pages or texts


def fresh(pages: Iterable[Page], seen: set[bytes]) -> Iterator[Page]:
    """Leave out the paragraphs that were seen before, here or in what was read earlier."""
    for path, paragraphs in pages:
        kept = []
        for key, paragraph in paragraphs:
            if key not in seen:
                seen.add(key)
                kept.append((key, paragraph))
        yield path, kept


def _read(members: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """Read a member as text; what is not UTF-8 is marked, and is no prose then."""
    stream: Any = members.extractfile(member)
    content: bytes = stream.read()
    return (content if content[:2] != b"\x1f\x8b" else gzip.decompress(content)).decode(errors="replace")


def joined(paragraphs: Sequence[str]) -> list[str]:
    """Put paragraphs together into documents that are neither too short nor far too long."""
    numbers = accumulate(len(paragraph) for paragraph in paragraphs)
    groups = groupby(zip((n // LONGEST for n in numbers), paragraphs, strict=True), key=itemgetter(0))
    texts = ("\n\n".join(paragraph for _, paragraph in some) for _, some in groups)
    return [text for text in texts if len(text) > SHORTEST]


def _documented(model: str) -> list[str]:
    """Take the pieces of HTML that document the parts of a service."""
    return [json.loads(f'"{text}"') for text in re.findall(r'"documentation" ?: ?"((?:[^"\\]|\\.)*)"', model)]


def _key(paragraph: str) -> bytes:
    return hashlib.blake2b(template(paragraph).encode(), digest_size=8).digest()


def _digest(named: object) -> str:
    return hashlib.sha256(repr(named).encode()).hexdigest()[:12]
