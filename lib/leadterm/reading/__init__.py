"""Reads a corpus: which files it is, whether each is whole, and the documents in them. Without Spark."""

from leadterm.reading.documents import Reading, read_documents
from leadterm.reading.inspection import REPORT, inspect_file
from leadterm.reading.listing import Listing, list_corpus
from leadterm.reading.rules import JsonRule, ParquetRule, Rule, rule_of
from leadterm.reading.splits import SPLITS, Split

__all__ = [
    "REPORT",
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
