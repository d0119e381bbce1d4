"""Tables and other formats, the hub, and predicates: what is refused before anything is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leadterm.config import parse_config
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.reading import inspect_file, list_corpus, rule_of
from leadterm.reading.delta import added_between, read_snapshot
from leadterm.reading.hub_datasets import pin_revision
from leadterm.storage import Location
from support.bad_cases.case import Case
from support.bad_input import WORDS

RUN = "leadterm run"
JOB = "encode_corpus"
CSV = "a.csv, by the look that precedes the work"
ADD = {"path": "a.parquet", "size": 9, "dataChange": True, "partitionValues": {}}
STAYS = "What was counted cannot be removed: make a new run of the version that should be counted."
METADATA = {"schemaString": json.dumps({"type": "struct", "fields": []}), "partitionColumns": [], "configuration": {}}
CONNECTOR = "Instead, give Spark the connector."


def delta(folder: Path, *commits: dict[str, Any]) -> Location:
    """Write the log of a table."""
    log = folder / "lake" / "_delta_log"
    log.mkdir(parents=True)
    for version, actions in enumerate(commits):
        lines = [json.dumps({kind: value}) for kind, value in actions.items()]
        (log / f"{version:020d}.json").write_text("\n".join(lines))
    return Location.of(folder / "lake")


def snapshot(**actions: Any) -> Callable[[Path], Any]:
    """Read a table whose first version has these actions."""
    first = {"protocol": {"minReaderVersion": 1}, "metaData": METADATA} | actions
    return lambda folder: read_snapshot(delta(folder, first))


def listed(mark: str, file: str = "a.parquet") -> Callable[[Path], Any]:
    """List a folder with a mark of a table in it."""

    def act(folder: Path) -> Any:
        (folder / "lake" / mark).parent.mkdir(parents=True)
        (folder / "lake" / mark).write_text("{}")
        pq.write_table(pa.table({"text": ["a"]}), folder / "lake" / file)
        return list_corpus([str(folder / "lake" / "*.parquet")])

    return act


def csv(text: str) -> Callable[[Path], Any]:
    """Look at a CSV file."""

    def act(folder: Path) -> Any:
        from leadterm.pipeline.encode_corpus.inputs.inspect_inputs import INSPECTION, refuse_broken  # noqa: PLC0415  # imports PySpark

        (folder / "a.csv").write_text(text)
        section = parse_config({"corpus": {"paths": ["a"], "format": "csv"}, "tokenizer": WORDS}).corpus
        return refuse_broken(pa.Table.from_pylist([inspect_file(str(folder / "a.csv"), rule_of(section))], INSPECTION))

    return act


def where(predicate: str) -> Callable[[Any, Path], Any]:
    """Run the job over a file with a predicate."""

    def act(session: Any, folder: Path) -> Any:
        pq.write_table(pa.table({"text": ["a b", "c"], "lang": ["en", None], "n": ["1", "x"]}), folder / "a.parquet")
        corpus = {"paths": [str(folder / "a.parquet")], "where": predicate}
        return encode_corpus(session, parse_config({"corpus": corpus, "tokenizer": WORDS}), Location.of(folder / "run"))

    return act


def refused(kind: str, mark: str) -> str:
    """What is said of a file below the root of a table."""
    return (
        f"~/lake/a.parquet lies in ~/lake, the root of {kind} table (it has a folder {mark}). Only the "
        "table's own log says which of its files are current: others hold rows that were deleted or rewritten. Set "
        f"corpus.format to {kind.split()[1].lower()} and corpus.paths to [~/lake], or name the table in corpus.table."
    )


FOUND = "1 of 1 input files cannot be used: ~/a.csv: "
CASES = [
    Case("delta root", "a pattern into a Delta table", RUN, refused("a Delta", "_delta_log"), listed("_delta_log/0")),
    Case("hudi root", "a pattern into a Hudi table", RUN, refused("a Hudi", ".hoodie"), listed(".hoodie/x.properties")),
    Case(
        "iceberg root", "a pattern into an Iceberg table", RUN, refused("an Iceberg", "metadata"),
        listed("metadata/v3.metadata.json"),
    ),
    Case(
        "deletion vector", "a Delta table with rows that a deletion vector deletes", RUN,
        "~/lake: rows of a.parquet are deleted by a deletion vector, which leadterm does not read by itself. Run REORG "
        "TABLE … APPLY (PURGE), or give Spark the connector.",
        snapshot(add={**ADD, "deletionVector": {"storageType": "u", "pathOrInlineDv": "x", "offset": 1}}),
        "UnreadableTableError",
    ),
    Case(
        "column mapping", "a Delta table whose columns have other names in its files", RUN,
        "~/lake: leadterm does not read this table by itself: its columns have other names in the files (column "
        f"mapping by name). {CONNECTOR}",
        snapshot(metaData={**METADATA, "configuration": {"delta.columnMapping.mode": "name"}}), "UnreadableTableError",
    ),
    Case(
        "reader feature", "a Delta table of a protocol of tomorrow", RUN,
        "~/lake: leadterm does not read this table by itself: it requires the reader features futureThing. "
        f"{CONNECTOR}",
        snapshot(protocol={"minReaderVersion": 3, "readerFeatures": ["futureThing"]}), "UnreadableTableError",
    ),
    Case(
        "no delta table", "a folder that is not a Delta table", RUN,
        "~ is not a Delta table: it has no folder _delta_log with versions. Correct corpus.paths or corpus.format.",
        lambda folder: read_snapshot(Location.of(folder)),
    ),
    Case(
        "delta version", "a version that a Delta table does not have", RUN,
        "~/lake has no version 7; its latest is 0. Correct corpus.version.",
        lambda folder: read_snapshot(delta(folder, {"metaData": METADATA}), 7),
    ),
    Case(
        "delta deleted", "a Delta table that lost rows that were counted", "leadterm add",
        f"~/lake: version 1 (DELETE) removed or rewrote rows that were counted, of a.parquet. {STAYS}",
        lambda folder: added_between(
            delta(folder, {"add": ADD}, {"commitInfo": {"operation": "DELETE"}, "remove": ADD}), 0, 1
        ),
    ),
    Case(
        "delta older", "an older version of a Delta table than the one counted", "leadterm add",
        f"~/lake: version 5 was counted, but 2 is earlier. {STAYS}",
        lambda folder: added_between(Location.of(folder / "lake"), 5, 2),
    ),
    Case(
        "hub name", "a URL of the hub that names no data set", RUN,
        "hf://owner/name does not name a dataset on the Hugging Face hub; expected hf://datasets/owner/name, "
        "hf://datasets/owner/name@revision or a path below it. Check corpus.paths in the config.",
        lambda _: pin_revision("hf://owner/name"),
    ),
    Case(
        "ragged csv", "a CSV record with a field too few", JOB,
        FOUND + "its record that ends on line 3 has 1 fields, but the header has 2. Correct it, or leave the file out.",
        csv("text,n\na,1\nb\n"),
    ),
    Case(
        "open quote", "a CSV quote that does not end", JOB,
        FOUND + "it is not valid CSV at line 3 (unexpected end of data). Quotes must be closed, and quotes "
        "within quotes doubled. Correct it, or leave the file out.",
        csv('text,n\n"a,1\nb,2\n'),
    ),
    Case(
        "no header", "a CSV file without a header", JOB,
        FOUND + "its header has no column 'text', only a, 1. Correct corpus.text_column, or leave the file out.",
        csv("a,1\nb,2\n"),
    ),
]  # fmt: skip
WHERE = [
    Case(
        "no predicate", "corpus.where that is no SQL", RUN,
        "corpus.where is not a SQL predicate: <…>. Found: lang = ", where("lang = "), "ConfigError",
    ),
    Case(
        "no such column", "corpus.where that names a column that is not there", RUN,
        "corpus.where names the column language, which does not exist; there are text, lang, n. Found: language = 'en'",
        where("language = 'en'"), "ConfigError",
    ),
    Case(
        "chance", "corpus.where that asks chance", RUN,
        "corpus.where depends on more than the row, such as a random number or today's date: the same corpus must "
        "always give the same counts. Write a value instead. Found: rand() < 0.5",
        where("rand() < 0.5"), "ConfigError",
    ),
    Case(
        "subquery", "corpus.where with a subquery", RUN,
        "corpus.where has a subquery, which cannot be evaluated for a single row. Remove it. Found: n IN (SELECT 1)",
        where("n IN (SELECT 1)"), "ConfigError",
    ),
    Case(
        "failing predicate", "a value that corpus.where cannot be asked of", RUN,
        "corpus.where fails on a row: <…>'x'<…>. Correct it, for example with try_cast. Found: n > 0", where("n > 0"),
    ),
]  # fmt: skip
