"""What is published of a run, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from leadterm.catalog.products import OF_CORPUS, Product
from leadterm.config import DatasetSection
from leadterm.errors import RunError
from leadterm.publish.table_docs import Table, tables_of
from leadterm.run.open_run import Run
from leadterm.storage import FileEntry, Manifest, read_manifest

FIRST = (
    Product.VOCABULARY, Product.BIGRAM, Product.CONTEXT, Product.FREQUENCIES, Product.QUERY_KEY, Product.POSITION
)  # fmt: skip
"""What readers look for comes first in a card: the statistics, then where they come from."""


@dataclass(frozen=True)
class Dataset:
    """A run, as it is published.

    Attributes
    ----------
    run
        Opened.
    section
        What the config says of it.
    with_windows
        Whether the text is published too.

    Raises
    ------
    RunError
        If a table that is asked for is not in the run.
    """

    run: Run
    section: DatasetSection
    with_windows: bool = False

    @cached_property
    def manifests(self) -> dict[str, Manifest]:
        """The products whose files are published, by their folders."""
        held = set(self.run.products)
        if self.with_windows and Product.WINDOWS not in held:
            raise RunError(
                f"{self.run.location} contains no windows, only their manifest. Publish the "
                "original run, or leave out --windows."
            )
        section, kinds = self.section, {"always"}
        kinds |= {"with_windows"} if self.with_windows else set()
        kinds |= {"list_files"} if section.list_files else set()
        kinds |= {"list_documents"} if section.list_files and section.list_documents else set()
        names = [one for one in dict.fromkeys((*FIRST, *OF_CORPUS)) if one in held and one.published in kinds]
        scores = {manifest.product: manifest for manifest in self.run.alignment_manifests()}
        return {str(name): self.run.manifest(name) for name in names} | scores

    @cached_property
    def withheld(self) -> dict[str, Manifest]:
        """The products of which only the manifest is published, so that others can be traced to them."""
        found = {name: read_manifest(self.run.location, name) for name in OF_CORPUS if name not in self.manifests}
        return {str(name): manifest for name, manifest in found.items() if manifest is not None}

    @cached_property
    def tables(self) -> list[Table]:
        """The tables that are published."""
        return tables_of(self.manifests)

    def files(self) -> Iterator[tuple[str, FileEntry]]:
        """Give every file of the tables with its path."""
        for folder, manifest in self.manifests.items():
            for entry in manifest.files:
                yield f"{folder}/{entry.name}", entry

    @property
    def n_bytes(self) -> int:
        """How long all files of the tables are."""
        return sum(entry.bytes for _, entry in self.files())

    @property
    def title(self) -> str:
        """Its name, in one line."""
        return " ".join((self.section.title or self.run.location.name).split())

    @property
    def description(self) -> str:
        """What it is."""
        return self.section.description or (
            "Which tokens follow which in a text corpus, and which stand before which: exact counts, computed with "
            "leadterm."
        )

    @cached_property
    def day(self) -> str:
        """The day of publication."""
        return self.section.date or datetime.now(UTC).date().isoformat()

    @property
    def unstated(self) -> list[str]:
        """What the config does not say, and others will ask for."""
        return [key for key in ("license", "creators", "url", "sources") if not getattr(self.section, key)]
