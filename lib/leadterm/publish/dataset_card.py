"""The card of a published run: a README.md that people read, with a header that the Hugging Face hub reads."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc
import yaml

from leadterm.catalog.products import Product
from leadterm.config import SourceSection
from leadterm.publish.licences import licence_header, licence_link
from leadterm.publish.markdown_escape import escaped, fenced, paragraphs, table
from leadterm.publish.published_run import Dataset
from leadterm.publish.table_docs import Table
from leadterm.report.run_facts import accounts, flat
from leadterm.run.summary import shortened
from leadterm.storage.formats.sha256sums import SUMS

TAGS = ("leadterm", "token-statistics", "co-occurrence", "n-grams", "interpretability")
FIRST = str(Product.BIGRAM)
"""The table that is loaded where none is named."""
MOST_FREQUENT = 10
PAPER = (
    "The theory that these statistics serve: Im, Oh, Fang, Li, *How Do Transformers Learn to Associate Tokens: "
    "Gradient Leading Terms Bring Mechanistic Interpretability*, ICLR 2026, <https://arxiv.org/abs/2601.19208>."
)


def card(dataset: Dataset) -> str:
    """Write the card.

    Parameters
    ----------
    dataset
        What is published. Whatever in it comes from others (tokens, paths, names) is shown as text.
    """
    known = accounts(dataset.run, [])
    parts = [
        f"# {escaped(dataset.title)}",
        paragraphs(dataset.description),
        "## What it holds",
        _statistics(dataset, known),
        _frequent(dataset),
        "## Tables",
        *(_described(dataset, one) for one in dataset.tables),
        _absent(dataset),
        "## Reading it",
        _reading(dataset),
        "## How it was made",
        _settings(dataset),
        "## Licence and sources",
        _licence(dataset),
        *_sources(dataset),
        "## Whole and unchanged",
        f"`sha256sum --check {SUMS}`, or `leadterm check .`, compares every file with its hash.",
        "## Citation",
        *([fenced(dataset.section.citation)] if dataset.section.citation else []),
        PAPER,
    ]
    return f"---\n{_header(dataset)}---\n\n" + "\n\n".join(part for part in parts if part) + "\n"


def _header(dataset: Dataset) -> str:
    """Write what the hub reads: names, licence, and which files a table has."""
    section = dataset.section
    configs = [
        {"config_name": one.name, "data_files": one.pattern, **({"default": True} if one.name == FIRST else {})}
        for one in dataset.tables
    ]
    fields: dict[str, Any] = {"pretty_name": dataset.title, **licence_header(section.license)}
    if section.languages:
        fields["language"] = list(section.languages)
    fields |= {"tags": list(dict.fromkeys([*TAGS, *section.tags])), "configs": configs}
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=10_000)


def _statistics(dataset: Dataset, known: dict[str, Any]) -> str:
    """Say how much it is."""
    counts = dataset.run.manifest(Product.WINDOWS).counts
    rows = [[name.replace("_", " "), f"{number:,}", text] for name, number, text in known["facts"]]
    if "tokens" in counts:
        rows.insert(1, ["tokens", f"{counts['tokens']:,}", "in the windows; a token shared by two windows counts once"])
    dropped = [f"{number:,} {reason}" for reason, number in known["dropped"] if number]
    if dropped:
        rows[0][2] += f"; dropped: {', '.join(dropped)}"
    return table(["what", "how many", ""], [[escaped(cell) for cell in row] for row in rows])


def _frequent(dataset: Dataset) -> str:
    """Show the tokens that occur most."""
    tokens = dataset.run.vocabulary
    order = pc.sort_indices(tokens, [("count", "descending"), ("token_id", "ascending")])
    rows = tokens.take(order[:MOST_FREQUENT]).to_pylist()
    shown = ", ".join(f"“{escaped(shortened(row['token']))}” ({row['count']:,})" for row in rows)
    return f"The most frequent tokens, and how often they occur: {shown}."


def _described(dataset: Dataset, one: Table) -> str:
    """Describe a table and its columns."""
    entries = [entry for path, entry in dataset.files() if path.partition("/")[0] == one.name]
    size = sum(entry.bytes for entry in entries if entry.name.endswith(".parquet"))
    rows = [[f"`{column.name}`", f"`{column.type}`", escaped(column.meaning)] for column in one.columns]
    facts = f"{escaped(one.meaning)} Files: `{one.pattern}`, {size:,} bytes."
    return f"### `{one.name}`\n\n{facts}\n\n{table(['column', 'type', 'meaning'], rows)}"


def _absent(dataset: Dataset) -> str:
    """Say which products are known here by their manifest alone."""
    names = ", ".join(f"`{name}`" for name in dataset.withheld)
    return f"Not published, but accounted for by their manifests: {names}." if names else ""


def _reading(dataset: Dataset) -> str:
    """Show how each tool opens the tables."""
    size, positions = dataset.run.vocabulary_size, dataset.run.n_positions
    return "\n\n".join(
        [
            f"Matrices are V × V with V = {size:,}; `row` and `cols` are token_ids. Counts divided by the number of "
            f"positions, M = {positions:,}, are shares. From the folder of this file:",
            fenced(_WITH_PYARROW, "python"),
            fenced(_WITH_DUCKDB, "sql"),
            fenced(_WITH_DATASETS, "python"),
            "and as scipy matrices, checked against their hashes, with the theory's basis functions:",
            fenced(_WITH_LEADTERM, "python"),
        ]
    )


_WITH_PYARROW = """
from glob import glob
import pyarrow.parquet as pq
bigram = pq.read_table(sorted(glob("bigram/rows-*.parquet")))
"""
_WITH_DUCKDB = """
SELECT a.token AS current, c.token AS next, n
FROM (SELECT row, unnest(cols) AS col, unnest("values") AS n FROM 'bigram/rows-*.parquet')
JOIN 'vocabulary/vocabulary.parquet' a ON a.token_id = row JOIN 'vocabulary/vocabulary.parquet' c ON c.token_id = col
ORDER BY n DESC, row, col LIMIT 10
"""
_WITH_DATASETS = """
from datasets import load_dataset
bigram = load_dataset("path/to/this/folder", "bigram", split="train")
vocabulary = load_dataset("path/to/this/folder", "vocabulary", split="train")
"""
_WITH_LEADTERM = """
import leadterm
run = leadterm.open_run(".")
counts, weights = run.bigram_counts(), run.context_weights()
"""


def _settings(dataset: Dataset) -> str:
    """List every setting that the bytes of a table depend on; equal ones once."""
    run = dataset.run
    named = {Product.VOCABULARY: "encoding", Product.BIGRAM: "counting", Product.COMPOSED: "attention"}
    rows: dict[str, str] = {}
    for product, stage in named.items():
        manifest = dataset.manifests.get(product) or dataset.withheld.get(product)
        for key, value in flat(manifest.settings if manifest else {}):
            rows[f"{stage}: {key}"] = value
    rows.setdefault("encoding: windows.length", str(run.context_length))
    rows["leadterm"] = run.manifest(Product.WINDOWS).code_version
    return table(["setting", "value"], [[escaped(name), escaped(value)] for name, value in rows.items()])


def _licence(dataset: Dataset) -> str:
    """Say what others may do with it."""
    names = [
        f"[{escaped(creator.name)}](<{creator.url}>)" if creator.url else escaped(creator.name)
        for creator in dataset.section.creators
    ]
    by = f" Made by {', '.join(names)}." if names else ""
    if dataset.section.license is None:
        return f"No licence is stated for these tables.{by}"
    return f"These tables: {licence_link(dataset.section.license)}.{by}"


def _sources(dataset: Dataset) -> list[str]:
    """Say what it was counted from, and under which terms that stands."""
    sources = dataset.section.sources
    if not sources:
        return ["Where the text came from is not stated."]
    rows = [[_named(one), licence_link(one.license) if one.license else "not stated"] for one in sources]
    cited = [fenced(one.citation) for one in sources if one.citation]
    return ["It was counted from:", table(["source", "licence"], rows), *cited]


def _named(source: SourceSection) -> str:
    """Write the name of a source, as a link if it has an address."""
    return f"[{escaped(source.name)}](<{source.url}>)" if source.url else escaped(source.name)
