"""``corpus.where`` keeps what the same predicate in Python keeps, and the rest is in the accounts."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm import open_run
from leadterm.errors import ConfigError, InputError
from leadterm.pipeline.add_files.job import add_files
from leadterm.pipeline.encode_corpus.inputs.open_corpus import open_documents
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.storage import Location
from support.jobs import data_hashes, make_config

WORDS = {"kind": "words", "vocabulary_size": 30, "unknown": "replace"}
MADE = ("vocabulary", "windows")
LANGUAGES = ["en", "de", None, "fr"]
ROWS = [
    {
        "text": f"the {LANGUAGES[i % 4]} text of number {i % 7}" if i % 11 else None,
        "lang": LANGUAGES[i % 4],
        "score": i / 10 if i % 9 else None,
        "size": i,
        "day": date(2026, 1, 1 + i % 28),
        "seen": datetime(2026, 1, 1 + i % 28, 23, 30, tzinfo=UTC),
        "meta": {"ok": i % 3 == 0, "tags": ["a", "b"][: i % 3]},
    }
    for i in range(300)
]
CASES = [
    ("lang = 'en'", lambda row: row["lang"] == "en"),
    ("lang <> 'en'", lambda row: row["lang"] not in (None, "en")),
    ("lang IS NULL OR lang IN ('de', 'fr')", lambda row: row["lang"] != "en"),
    ("size >= 250 AND score < 28.5", lambda row: row["size"] >= 250 and (row["score"] or 99) < 28.5),
    ("day >= '2026-01-20'", lambda row: row["day"] >= date(2026, 1, 20)),
    ("seen < '2026-01-11'", lambda row: row["seen"] < datetime(2026, 1, 11, tzinfo=UTC)),
    ("meta.ok AND size(meta.tags) = 0", lambda row: row["meta"]["ok"] and not row["meta"]["tags"]),
    ("text LIKE 'the en%'", lambda row: (row["text"] or "").startswith("the en")),
    ("true", lambda row: True),
]


def write_parquet(folder: Path, rows: list[dict], n_files: int = 3, row_group: int = 17) -> Path:
    """Write rows as files in row groups."""
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(rows)
    for number in range(n_files):
        part = table.slice(
            len(rows) * number // n_files, len(rows) * (number + 1) // n_files - len(rows) * number // n_files
        )
        pq.write_table(part, folder / f"{number}.parquet", row_group_size=row_group)
    return folder


def write_json(folder: Path, rows: list[dict]) -> Path:
    """Write rows as lines, some files compressed, with blank lines."""
    folder.mkdir(parents=True)
    lines = [json.dumps(row, default=str) for row in rows]
    (folder / "a.jsonl").write_text("\n\n".join(lines[:100]) + "\n")
    (folder / "b.jsonl.gz").write_bytes(gzip.compress("\n".join(lines[100:180]).encode()))
    (folder / "c.jsonl").write_text("\r\n".join(lines[180:]))
    return folder


def encoded(spark, folder: Path, output: Path, where: str | None = None, kind: str = "parquet", **corpus):
    config = make_config(folder, WORDS, corpus={"format": kind, "where": where, **corpus})
    assert encode_corpus(spark, config, Location.of(output))
    return open_run(output)


def check(spark, place: Path, folder: Path, where: str, kept: list[dict], n_rows: int, kind: str = "parquet") -> None:
    """Compare with a run over nothing but what is to be kept."""
    run = encoded(spark, folder, place / "run", where, kind)
    other = encoded(spark, write_parquet(place / "kept", [{"text": row["text"]} for row in kept]), place / "other")
    assert data_hashes(run, MADE) == data_hashes(other, MADE)
    counts, expected = run.manifest("windows").counts, other.manifest("windows").counts
    assert counts["documents"] == n_rows
    assert counts["dropped"] == expected["dropped"] | {"where": n_rows - len(kept)}
    assert counts["kept"] + sum(counts["dropped"].values()) == n_rows
    assert sum(run.source_files["rows"].to_pylist()) == n_rows
    assert run.manifest("windows").settings["corpus"]["where"] == where


@pytest.fixture(scope="module")
def parquet(tmp_path_factory) -> Path:
    return write_parquet(tmp_path_factory.mktemp("where") / "in", ROWS)


@pytest.mark.parametrize(("where", "keeps"), CASES, ids=[where for where, _ in CASES])
def test_parquet_keeps_what_python_keeps(spark, parquet, tmp_path, where, keeps):
    check(spark, tmp_path, parquet, where, [row for row in ROWS if keeps(row)], len(ROWS))


JSON_CASES = [case for case in CASES if "day" not in case[0] and "seen" not in case[0]]


@pytest.mark.parametrize(("where", "keeps"), JSON_CASES, ids=[where for where, _ in JSON_CASES])
def test_json_keeps_what_python_keeps(spark, tmp_path, where, keeps):
    folder = write_json(tmp_path / "in", ROWS)
    check(spark, tmp_path, folder, where, [row for row in ROWS if keeps(row)], len(ROWS), "json")


@pytest.fixture
def folders(tmp_path) -> tuple[Path, dict[str, list[dict]]]:
    """Files in partition folders, of one of which the value is missing, and one has letters that are escaped."""
    parts = {
        "lang=en/year=2025": ROWS[:40],
        "lang=en/year=2026": ROWS[40:90],
        "lang=__HIVE_DEFAULT_PARTITION__/year=2026": ROWS[90:100],
        "lang=a%2Fb c/year=0999": ROWS[100:130],
    }
    for name, rows in parts.items():
        write_parquet(tmp_path / "in put" / name, [{"text": row["text"], "size": row["size"]} for row in rows], 2)
    return tmp_path / "in put", parts


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("lang = 'en'", [0, 1]),
        ("lang = 'en' AND year >= '2026'", [1]),
        ("year >= 2025", [0, 1, 2]),
        ("year = '0999'", [3]),
        ("lang IS NULL", [2]),
        ("lang = 'a/b c'", [3]),
    ],
)
def test_partition_folders_are_columns_of_text(spark, folders, tmp_path, where, parts):
    folder, every = folders
    kept = [row for number in parts for row in list(every.values())[number]]
    check(spark, tmp_path, folder, where, kept, 130)


def test_folders_and_columns_go_together(spark, folders, tmp_path):
    folder, every = folders
    kept = [row for row in every["lang=en/year=2026"] if row["size"] > 60]
    check(spark, tmp_path, folder, "size > 60 AND lang = 'en' AND year = 2026", kept, 130)


@pytest.mark.parametrize("kind", ["parquet", "json"])
@pytest.mark.parametrize("wanted", [1, 7, 40, 5000])
def test_the_first_documents_are_those_of_the_kept_ones(spark, tmp_path, kind, wanted):
    write = write_parquet if kind == "parquet" else write_json
    folder = write(tmp_path / "in", ROWS)
    run = encoded(spark, folder, tmp_path / "run", "size % 5 = 2", kind, max_documents=wanted)
    eligible = [row["text"] for row in ROWS if row["size"] % 5 == 2 and row["text"]]
    other = encoded(
        spark, write_parquet(tmp_path / "kept", [{"text": text} for text in eligible[:wanted]]), tmp_path / "other"
    )
    assert data_hashes(run, MADE) == data_hashes(other, MADE)
    counts = run.manifest("windows").counts
    assert counts["documents"] == counts["kept"] + sum(counts["dropped"].values())


def test_added_files_are_selected_too(spark, tmp_path):
    ids = {"kind": "ids", "vocabulary_size": 50}
    rows = [{"input_ids": [i % 50, (3 * i) % 50, 7], "lang": LANGUAGES[i % 4]} for i in range(90)]
    folder = write_parquet(tmp_path / "ids", rows, 3)
    corpus = {"ids_column": "input_ids", "where": "lang = 'en'"}
    once = tmp_path / "once"
    assert add_files(spark, make_config(folder, ids, corpus=corpus), Location.of(once))
    later, hidden = tmp_path / "later", folder / "2.parquet"
    hidden.rename(tmp_path / "aside.parquet")
    assert add_files(spark, make_config(folder, ids, corpus=corpus), Location.of(later))
    (tmp_path / "aside.parquet").rename(hidden)
    assert add_files(spark, make_config(folder, ids, corpus=corpus), Location.of(later))
    assert data_hashes(open_run(once)) == data_hashes(open_run(later))
    assert open_run(once).manifest("windows").counts == open_run(later).manifest("windows").counts
    assert open_run(once).manifest("windows").counts["dropped"]["where"] == sum(row["lang"] != "en" for row in rows)


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("lang = ", "is not a SQL predicate"),
        ("lang = 'en' AND (", "is not a SQL predicate"),
        ("lang = 'en'; DROP TABLE x", "is not a SQL predicate"),
        ("language = 'en'", "names the column language, which does not exist; there are text, lang, score"),
        ("Lang = 'en'", "names the column Lang, which does not exist"),
        ("meta.okay", "cannot be evaluated for a row"),
        ("size + 1", "cannot be evaluated for a row"),
        ("lang", "cannot be evaluated for a row"),
        ("max(size) > 3", "cannot be evaluated for a row"),
        ("row_number() OVER (ORDER BY size) < 9", "cannot be evaluated for a row"),
        ("no_such_function(size)", "cannot be evaluated for a row"),
        ("size = (SELECT 1)", "has a subquery"),
        ("EXISTS (SELECT 1)", "has a subquery"),
        ("size IN (SELECT 1)", "has a subquery"),
        ("rand() < 0.5", "depends on more than the row"),
        ("day < current_date()", "depends on more than the row"),
        ("seen < now()", "depends on more than the row"),
        ("monotonically_increasing_id() < 5", "depends on more than the row"),
        ("uuid() = lang", "depends on more than the row"),
    ],
)
def test_a_predicate_that_is_none_is_refused_by_key(spark, parquet, where, problem):
    with pytest.raises(ConfigError) as caught:
        open_documents(spark, make_config(parquet, WORDS, corpus={"where": where}).corpus)
    assert str(caught.value).startswith("corpus.where ")
    assert problem in str(caught.value)
    assert where in str(caught.value)


def test_a_value_on_which_the_predicate_fails_is_told(spark, tmp_path):
    folder = write_parquet(tmp_path / "in", [{"text": "a b", "year": year} for year in ("2025", "unknown")])
    with pytest.raises(
        InputError, match=r"corpus.where fails on a row: .*'unknown'.* Correct it, for example with try_cast"
    ):
        open_documents(spark, make_config(folder, WORDS, corpus={"where": "year > 2024"}).corpus)


@pytest.mark.parametrize("other", [{"text": "a b"}, {"text": "a b", "lang": 3}])
def test_a_file_without_the_column_or_with_another_type_is_refused(spark, tmp_path, other):
    folder = write_parquet(tmp_path / "in", [{"text": "a b", "lang": "en"}], 1)
    pq.write_table(pa.Table.from_pylist([other]), folder / "1.parquet")
    told = (
        r"corpus.where names lang, which (is missing|holds int64) in .*/1.parquet, and holds string in the first file"
    )
    with pytest.raises(InputError, match=told):
        open_documents(spark, make_config(folder, WORDS, corpus={"where": "lang = 'en'"}).corpus)


def test_a_file_in_no_folder_of_the_column_is_refused(spark, folders):
    folder, _ = folders
    write_parquet(folder / "z", [{"text": "a b", "size": 1}])
    with pytest.raises(InputError, match=r"corpus.where names lang, and .*/z/\d.parquet is not in a folder lang="):
        open_documents(spark, make_config(folder, WORDS, corpus={"where": "lang = 'en'"}).corpus)


def test_a_column_that_is_a_folder_too_is_refused(spark, tmp_path):
    folder = write_parquet(tmp_path / "in" / "lang=de", [{"text": "a b", "lang": "en"}])
    with pytest.raises(ConfigError, match="names lang, which is both a column of the records and a folder lang="):
        open_documents(spark, make_config(folder, WORDS, corpus={"where": "lang = 'en'"}).corpus)


def test_kinds_of_json_values_that_differ_are_refused_by_line(spark, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text": "a", "n": 1}\n{"text": "b", "n": 2.5}\n{"text": "c", "n": "3"}\n')
    told = r"names 'n', which has a value of type number in .*a.jsonl, line 1, and string in .*a.jsonl, line 3"
    with pytest.raises(InputError, match=told):
        open_documents(spark, make_config(folder, WORDS, corpus={"format": "json", "where": "n > 1"}).corpus)
    (folder / "a.jsonl").write_text(
        '{"text": "a", "n": 1}\n{"text": "b", "n": 2.5}\n{"text": "c", "n": null}\n{"text": "d"}\n'
    )
    documents = open_documents(spark, make_config(folder, WORDS, corpus={"format": "json", "where": "n > 1"}).corpus)
    assert (documents.n_records, documents.n_unselected) == (1, 3)


def test_a_line_that_is_no_json_is_never_dropped(spark, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    lines = [json.dumps({"text": "a b", "n": number}) for number in range(300)]
    lines[250] = '{"text": "a b", "n": 1'
    (folder / "a.jsonl").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"a.jsonl, line 251: it is not a JSON object"):
        open_documents(spark, make_config(folder, WORDS, corpus={"format": "json", "where": "n < 3"}).corpus)


def test_the_machines_zone_does_not_matter(spark, parquet):
    kept = set()
    before = spark.conf.get("spark.sql.session.timeZone")
    try:
        for zone in ("UTC", "Asia/Tokyo", "America/Los_Angeles"):
            spark.conf.set("spark.sql.session.timeZone", zone)
            documents = open_documents(
                spark, make_config(parquet, WORDS, corpus={"where": "seen < '2026-01-11'"}).corpus
            )
            kept.add(documents.n_records)
            assert spark.conf.get("spark.sql.session.timeZone") == zone
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)
    assert kept == {sum(row["seen"] < datetime(2026, 1, 11, tzinfo=UTC) for row in ROWS)}


@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_documents_keep_their_rows(spark, tmp_path, kind):
    """The number of a row is that in its file, whatever was left out before it."""
    rows = [{"text": f"word {'abcdefgh'[i % 8]} {i % 3}", "n": i} for i in range(60)]
    folder = tmp_path / "in"
    if kind == "parquet":
        write_parquet(folder, rows, 1, row_group=7)
    else:
        folder.mkdir()
        (folder / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    run = encoded(spark, folder, tmp_path / "run", "n % 7 = 3", kind)
    kept = [i + (kind == "json") for i in range(60) if i % 7 == 3]
    assert sorted(run.documents()["row"].to_pylist()) == kept
