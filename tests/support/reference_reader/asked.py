"""What is asked of a reader of corpora, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field

Document = str | list[int] | None
"""A text, a list of ids, or null."""


class Refused(Exception):  # it is a verdict
    """A file cannot be trusted."""


@dataclass(frozen=True)
class Asked:
    """Which documents to take out of a file.

    Attributes
    ----------
    format
        ``"json"`` or ``"parquet"``.
    column
        The literal key, or the dotted path where there is no such key.
    is_ids
        Whether documents are lists of integers.
    join
        What joins an array of strings to a text; None refuses arrays.
    replaces_surrogates
        Whether a lone surrogate becomes U+FFFD; otherwise it refuses its file.
    """

    format: str
    column: str = "text"
    is_ids: bool = False
    join: str | None = None
    replaces_surrogates: bool = False


@dataclass(frozen=True)
class Read:
    """What lies in a file.

    Attributes
    ----------
    documents
        One for each record, in their order.
    replaced
        How many texts had a lone surrogate.
    """

    documents: list[Document] = field(default_factory=list)
    replaced: int = 0
