"""Reads a corpus: which files it is, whether each is whole, and the documents in them. Without Spark."""

from leadterm.reading.format_checks import JsonRule, ParquetRule, Rule, rule_of
from leadterm.reading.inspect_file import INSPECTION, inspect_file
from leadterm.reading.list_files import Listing, list_corpus
from leadterm.reading.read_documents import Reading, read_documents
from leadterm.reading.splits import SPLITS, Split

__all__ = [
    "INSPECTION",
    "SPLITS",
    "JsonRule",
    "Listing",
    "ParquetRule",
    "Reading",
    "Rule",
    "Split",
    "inspect_file",
    "list_corpus",
    "read_documents",
    "rule_of",
]
