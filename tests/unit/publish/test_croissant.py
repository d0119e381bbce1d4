"""The Croissant metadata, read by MLCommons' own library."""

import hashlib
import json

import mlcroissant
import pyarrow.parquet as pq
import pytest

from leadterm.publish.croissant import TYPES
from support.published import SECTION
from support.whole_runs import files_of

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning:rdflib")
"""A warning of mlcroissant's own use of rdflib."""


def load(folder):
    """Read the metadata with the checks of the library; the dataset, and what it warns of."""
    dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    return dataset, dataset.metadata.ctx.issues


def test_it_is_valid_and_complete(published):
    dataset, issues = load(published)
    assert (issues.errors, issues.warnings) == (set(), set())
    known = dataset.metadata
    assert known.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    assert known.name == " ".join(SECTION.title.split())
    assert known.description == SECTION.description
    assert known.license == ["https://spdx.org/licenses/CC-BY-4.0"]
    assert known.url == SECTION.url
    assert [(type(one).__name__, one.name) for one in known.creators] == [
        ("Person", SECTION.creators[0].name),
        ("Organization", "O"),
    ]
    assert known.date_published.date().isoformat() == SECTION.date
    assert (known.version, known.in_language, known.cite_as) == ("1.2.3", ["en", "pt-BR"], SECTION.citation)


def test_what_is_not_stated_is_left_out(plain):
    _, issues = load(plain)
    assert issues.errors == set()
    assert sorted(warning.partition('"')[2].partition('"')[0] for warning in issues.warnings) == [
        "http://mlcommons.org/croissant/citeAs",
        "https://schema.org/license",
    ]


@pytest.mark.parametrize("name", ["published", "plain"])
def test_every_file_has_its_length_and_hash(name, request):
    folder = request.getfixturevalue(name)
    described = json.loads((folder / "croissant.json").read_text())["distribution"]
    found = {one["contentUrl"]: (one["contentSize"], one["sha256"]) for one in described if "sha256" in one}
    expected = {}
    for path in set(files_of(folder)) - {"croissant.json", "SHA256SUMS"}:
        data = (folder / path).read_bytes()
        expected[path] = f"{len(data)} B", hashlib.sha256(data).hexdigest()
    assert found == expected


def plain_value(value):
    """A record's value as pyarrow gives it."""
    if isinstance(value, bytes):
        return value.decode()
    return [one.item() for one in value] if isinstance(value, list) else getattr(value, "item", lambda: value)()


@pytest.mark.parametrize(
    "table",
    ["vocabulary", "bigram", "context", "frequencies", "query_key", "position", "sources", "windows", "alignment"],
)
def test_its_records_are_the_rows(published, table):
    dataset, _ = load(published)
    rows = [row for path in sorted(published.glob(f"{table}/**/*.parquet")) for row in pq.read_table(path).to_pylist()]
    records = list(dataset.records(table))
    assert len(records) == len(rows) > 0
    for record, row in list(zip(records, rows, strict=True))[:20]:
        assert {key.partition("/")[2]: plain_value(value) for key, value in record.items()} == row


def test_lists_are_declared_as_such(published):
    for one in json.loads((published / "croissant.json").read_text())["recordSet"]:
        schema = pq.read_schema(next(published.glob(f"{one['name']}/**/*.parquet")))
        lists = {field.name for field in schema if field.type.num_fields}
        found = {(field["name"], field["isArray"], field["arrayShape"]) for field in one["field"] if "isArray" in field}
        assert found == {(name, True, "-1") for name in lists}


def test_sources_and_their_licences_are_told(published):
    [first, second] = json.loads((published / "croissant.json").read_text())["prov:wasDerivedFrom"]
    assert first == {
        "@type": "prov:Entity",
        "prov:label": SECTION.sources[0].name,
        "sc:url": "https://example.org/s",
        "sc:license": "https://spdx.org/licenses/CC0-1.0",
        "sc:citation": "cite me",
    }
    assert second == {"@type": "prov:Entity", "prov:label": "unlicensed"}


def test_it_is_ascii_json(published):
    assert (published / "croissant.json").read_bytes().isascii()
    assert set(TYPES) == {"int32", "int64", "double", "string"}
