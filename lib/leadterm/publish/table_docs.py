"""The tables of a published run: which files hold them, and what each column means, with its unit."""

from dataclasses import dataclass

from leadterm.storage import Manifest
from leadterm.storage.formats.alignment_table import ALIGNMENT
from leadterm.storage.formats.alignment_table import SCHEMA as SCORES_SCHEMA


@dataclass(frozen=True)
class Column:
    """A column: its name, its Arrow type and its meaning."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table, in one file or in many.

    Attributes
    ----------
    name
        Of the table; that of its product's folder.
    pattern
        Which files hold it: a path, or a glob.
    meaning
        What it is, in a sentence or two.
    columns
        In order.
    """

    name: str
    pattern: str
    meaning: str
    columns: tuple[Column, ...]


ROWS = "rows-*.parquet"
TOKEN_ID = Column("token_id", "int32", "number of the token, from 0, without gaps")
SCORES = {
    "model": "name of the language model",
    "revision": "which of its revisions",
    "step": "training step of the revision; null where its name tells none",
    "layer": "number of the layer, from 0",
    "head": "number of the attention head, from 0; null for the mean over heads and for streams",
    "component": "qk: attention between tokens; pre, mid, post: the stream before, within and after the layer",
    "predictor": "which statistic of the corpus it is compared with",
    "metric": "raw: cosine of covariances; centred: the same after means are taken out (linear CKA)",
    "score": "how far the two agree, at most 1",
    "null_mean": "mean of the score over all permutations of the tokens",
    "null_sd": "its standard deviation",
    "z": "how many standard deviations the score lies beyond that mean",
    "n_tokens": "tokens that were compared",
    "corpus": "name of the corpus; where it ends in ', shuffled', its tokens were in random order",
}


def tables_of(manifests: dict[str, Manifest]) -> list[Table]:
    """Describe the tables of some products.

    Parameters
    ----------
    manifests
        Of the products whose files are published, by name; any number of them lies in ``alignment``.
    """
    names = dict.fromkeys(ALIGNMENT if name.startswith(f"{ALIGNMENT}/") else name for name in manifests)
    return [_TABLES[name](manifests) for name in names]


def _unit(manifests: dict[str, Manifest], name: str) -> str:
    """Say what 1 is in a table of fixed-point numbers."""
    return f"in units of 2^-{manifests[name].settings['scale_bits']}"


def _matrix(name: str, meaning: str, rows: str, columns: str, values: Column) -> Table:
    """Describe a sparse matrix."""
    described = (
        Column("row", "int32", f"token_id of the {rows}; ascending, and rows without an entry are not there"),
        Column("cols", "list<int32>", f"token_ids of the {columns}; ascending"),
        values,
    )
    return Table(name, f"{name}/{ROWS}", meaning, described)


def _vocabulary(_: dict[str, Manifest]) -> Table:
    columns = (
        TOKEN_ID,
        Column("token", "string", "the token as its tokenizer writes it"),
        Column("count", "int64", "how often it occurs in the windows; a token that two of them share counts once"),
    )
    return Table("vocabulary", "vocabulary/vocabulary.parquet", "The tokens.", columns)


def _bigram(_: dict[str, Manifest]) -> Table:
    values = Column("values", "list<int64>", "at how many positions the one follows the other; as many as cols")
    meaning = "How often each token follows each: a sparse matrix, rows CURRENT, columns NEXT."
    return _matrix("bigram", meaning, "current token", "next tokens", values)


def _context(manifests: dict[str, Manifest]) -> Table:
    unit = _unit(manifests, "context")
    values = Column("values", "list<int64>", f"sums of 1/t, {unit}, over all contexts of t tokens; as many as cols")
    meaning = (
        "How much each token stands in the context before each: a sparse matrix, rows NEXT, columns CONTEXT. At "
        "position t of a window the context is the t tokens up to and with the current one, and each weighs 1/t."
    )
    return _matrix("context", meaning, "next token", "context tokens", values)


def _frequencies(manifests: dict[str, Manifest]) -> Table:
    columns = (
        TOKEN_ID,
        Column("current", "int64", "at how many positions it is the current token"),
        Column("context", "int64", f"its shares of all contexts, sums of 1/t {_unit(manifests, 'frequencies')}"),
    )
    meaning = "How often each token is the current one, and how much it stands in contexts: row and column sums."
    return Table("frequencies", "frequencies/frequencies.parquet", meaning, columns)


def _query_key(_: dict[str, Manifest]) -> Table:
    values = Column("values", "list<double>", "averages over positions; as many as cols")
    meaning = (
        "The gradient's part in attention's scores, by query and key: a sparse matrix, rows CURRENT, columns CONTEXT. "
        "It has no unit; times (3 C(s,4) + 2 C(s,3)) eta^4 it predicts attention's weights after s steps of rate eta."
    )
    return _matrix("query_key", meaning, "current token, which asks", "context tokens, which are looked at", values)


def _position(_: dict[str, Manifest]) -> Table:
    columns = (
        Column("distance", "int32", "tokens from the key to the query, from 0"),
        Column("bias", "double", "average over positions; without unit, like the values of query_key"),
    )
    return Table("position", "position/position.parquet", "The same part by distance: a vector.", columns)


def _sources(_: dict[str, Manifest]) -> Table:
    columns = (
        Column("path", "string", "of the file, where it was read"),
        Column("bytes", "int64", "its length"),
        Column("sha256", "string", "hash of its content; null where its file system gave none"),
        Column("modified", "int64", "where it has no hash: when it was changed last, in milliseconds since 1970"),
        Column("rows", "int64", "its records"),
        Column("version", "string", "of a table, which snapshot of it; of a file of the hub, which commit"),
    )
    return Table("sources", "sources/sources.parquet", "The files that the corpus was read from.", columns)


def _documents(_: dict[str, Manifest]) -> Table:
    columns = (
        Column("document", "int64", "hash of the document's content"),
        Column("source", "int32", "row of the file in the table of sources, from 0"),
        Column("row", "int64", "row in that file, from 0; of JSON lines the line's number, from 1; null: not known"),
        Column("tokens", "int64", "tokens of the document"),
        Column("windows", "int32", "windows that it gave"),
    )
    meaning = "Where the documents come from that gave a window."
    return Table("documents", "documents/documents-*.parquet", meaning, columns)


def _windows(_: dict[str, Manifest]) -> Table:
    columns = (
        Column("document", "int64", "hash of the document's content"),
        Column("window", "int32", "place of the window in its document, from 0"),
        Column("tokens", "list<int32>", "token_ids; windows of a document share one token"),
    )
    return Table("windows", "windows/windows-*.parquet", "The text itself, as windows of token ids.", columns)


def _alignment(_: dict[str, Manifest]) -> Table:
    columns = tuple(Column(field.name, str(field.type), SCORES[field.name]) for field in SCORES_SCHEMA)
    meaning = "How far language models agree with the statistics of this corpus, a row for each score."
    return Table(ALIGNMENT, f"{ALIGNMENT}/*/scores.parquet", meaning, columns)


_TABLES = {
    "vocabulary": _vocabulary,
    "bigram": _bigram,
    "context": _context,
    "frequencies": _frequencies,
    "query_key": _query_key,
    "position": _position,
    "sources": _sources,
    "documents": _documents,
    "windows": _windows,
    ALIGNMENT: _alignment,
}
PUBLISHED = tuple(name for name in _TABLES if name != ALIGNMENT)
"""Products whose files may be published, in the order in which they are described; scores come after them."""
