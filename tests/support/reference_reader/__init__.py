"""Reads corpora by the rules that leadterm documents, without Spark and without leadterm."""

from support.reference_reader.asked import Asked, Document, Read, Refused
from support.reference_reader.corpus import Limits, account, list_folder, read_file, refuse_twins, windows

__all__ = [
    "Asked", "Document", "Limits", "Read", "Refused", "account", "list_folder", "read_file", "refuse_twins", "windows",
]  # fmt: skip
