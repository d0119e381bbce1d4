"""The settings under which odd files are read, and what an odd file is."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any

from support.reference_reader import Asked, Document, Limits


@dataclass(frozen=True)
class Setting:
    """A corpus's settings.

    Attributes
    ----------
    name
        Of its folder.
    asked
        For the reference reader.
    limits
        Of documents and windows.
    is_literal
        Whether the column's whole name is a key, rather than the way down to one.
    """

    name: str
    asked: Asked
    limits: Limits = field(default_factory=Limits)
    is_literal: bool = False

    @property
    def names(self) -> list[str]:
        """The keys on the way down to a document."""
        return [self.asked.column] if self.is_literal else self.asked.column.split(".")

    @property
    def ending(self) -> str:
        """What names of such files end with."""
        return "jsonl" if self.asked.format == "json" else "parquet"

    def corpus(self) -> dict[str, Any]:
        """Say the same in the section ``corpus`` of a config, without paths."""
        asked, limits = self.asked, self.limits
        section: dict[str, Any] = {
            "format": asked.format,
            "ids_column" if asked.is_ids else "text_column": asked.column,
        }
        if not asked.is_ids:
            section |= {"min_characters": limits.min_characters, "max_characters": limits.max_characters}
        if asked.join is not None:
            section["join"] = asked.join
        if asked.replaces_surrogates:
            section["surrogates"] = "replace"
        return section


@dataclass(frozen=True)
class OddFile:
    """A file, and what whoever wrote it meant.

    Attributes
    ----------
    name
        Of the file.
    data
        Its bytes.
    meant
        Its documents; None if it must be refused, `...` if only a reader can tell.
    oddities
        What is odd about it.
    """

    name: str
    data: bytes
    meant: list[Document] | EllipsisType | None
    oddities: tuple[str, ...]


FEW = Limits(min_characters=4, max_characters=60, length=3, policy="first")
SETTINGS = (
    Setting("lines", Asked("json")),
    Setting("nested lines", Asked("json", "content.text")),
    Setting("deep lines", Asked("json", "a.b.c d"), Limits(length=3)),
    Setting("lines of ids", Asked("json", "ids", is_ids=True), Limits(length=4)),
    Setting("lines with halves", Asked("json", replaces_surrogates=True)),
    Setting("lines of chats", Asked("json", "messages.content", join="\n")),
    Setting("lines of lists", Asked("json", "tags", join=" | ")),
    Setting("lines with limits", Asked("json"), FEW),
    Setting("tables", Asked("parquet")),
    Setting("nested tables", Asked("parquet", "content.text")),
    Setting("deep tables", Asked("parquet", "a.b.c d"), Limits(length=3)),
    Setting("tables of ids", Asked("parquet", "ids", is_ids=True), Limits(length=4)),
    Setting("tables of chats", Asked("parquet", "messages.content", join="\n")),
    Setting("tables of lists", Asked("parquet", "tags", join=" | ")),
    Setting("tables with limits", Asked("parquet"), FEW),
)
