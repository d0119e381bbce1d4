"""Each product of a run, declared once: its files and columns, its meaning, and how it is used.

A product is a folder of a run that appears complete or not at all. In code its name is a member of `Product`; all facts
about it are looked up here: by the readers, ``check``, ``merge``, ``publish``, the report, ``plan`` and the reference.
"""

from dataclasses import fields
from enum import IntEnum, StrEnum
from typing import Any

from leadterm.axes import Axis
from leadterm.catalog.declared_product import ROWS, TOKEN_ID, UNDECLARED, Column, Declared, Published, matrix_columns

SHUFFLED_RUN = "shuffled"
"""The folder, in a run, of the run over the same corpus with its tokens shuffled."""


class Statistic(IntEnum):
    """What a sparse row of partial sums belongs to; a vector is stored as a matrix of one row."""

    BIGRAM = 0
    CONTEXT = 1
    CURRENT_FREQUENCY = 2
    CONTEXT_FREQUENCY = 3
    QUERY_KEY = 4
    POSITION = 5
    DISTANCES = 6
    TWO_HOP = 7
    CURRENT_CONTEXT = 8
    ADAM_QUERY_KEY = 9
    ADAM_POSITION = 10


class Product(StrEnum):
    """The products of a run, in the order in which they are made; a member is also its name, a string."""

    meaning: str
    files: str
    columns: tuple[Column, ...]
    axes: tuple[Axis, Axis] | None
    pairs: str
    fixed_point: bool
    averages: bool
    adds_up: bool
    of_corpus: bool
    published: Published
    stage: str

    def __new__(cls, name: str, declared: Declared = UNDECLARED) -> "Product":
        """Attach the declaration to the name; ``Product("windows")`` looks up a product."""
        member = str.__new__(cls, name)
        member._value_ = name
        for field in fields(declared):
            setattr(member, field.name, getattr(declared, field.name))
        return member

    SOURCES = (
        "sources",
        Declared(
            "The files that the corpus was read from.",
            files="sources.parquet",
            columns=(
                Column("path", "string", "of the file, where it was read"),
                Column("bytes", "int64", "its length"),
                Column("sha256", "string", "hash of its content; null if its file system provided none"),
                Column("modified", "int64", "if it has no hash: when it was last modified, in ms since 1970"),
                Column("rows", "int64", "its records"),
                Column("version", "string", "for a table, its snapshot; for a file on the hub, its commit"),
            ),
            adds_up=True,
            published="list_files",
        ),
    )
    DOCUMENTS = (
        "documents",
        Declared(
            "Where the documents that gave windows come from.",
            files="documents-*.parquet",
            columns=(
                Column("document", "int64", "hash of the document's content"),
                Column("source", "int32", "row of the file in the table of sources, from 0"),
                Column(
                    "row",
                    "int64",
                    "row in that file, from 0; for JSON lines the line number, from 1; null if not known",
                ),
                Column("tokens", "int64", "tokens of the document"),
                Column("windows", "int32", "windows that it gave"),
            ),
            adds_up=True,
            published="list_documents",
            stage="encode",
        ),
    )
    VOCABULARY = (
        "vocabulary",
        Declared(
            "The tokens.",
            files="vocabulary.parquet",
            columns=(
                TOKEN_ID,
                Column("token", "string", "the token as its tokenizer writes it"),
                Column(
                    "count", "int64", "how often it occurs in the windows; a token shared by two windows counts once"
                ),
            ),
            adds_up=True,
            published="always",
        ),
    )
    WINDOWS = (
        "windows",
        Declared(
            "The text itself, as windows of token ids.",
            files="windows-*.parquet",
            columns=(
                Column("document", "int64", "hash of the document's content"),
                Column("window", "int32", "index of the window in its document, from 0"),
                Column("tokens", "list<int32>", "token_ids; windows of a document share one token"),
            ),
            adds_up=True,
            published="with_windows",
            stage="encode",
        ),
    )
    BIGRAM = (
        "bigram",
        Declared(
            "How often each token follows each: a sparse matrix, rows CURRENT, columns NEXT.",
            files=ROWS,
            columns=matrix_columns("current token", "next tokens", "number of positions at which next follows current"),
            axes=(Axis.CURRENT, Axis.NEXT),
            pairs="distinct pairs of current and next token",
            adds_up=True,
            published="always",
            stage="merge",
        ),
    )
    CONTEXT = (
        "context",
        Declared(
            "How much weight each token has in the contexts of each next token: a sparse matrix, rows NEXT, columns "
            "CONTEXT. At "
            "position t of a window the context is the t tokens up to and including the current one, each with weight "
            "1/t.",
            files=ROWS,
            columns=matrix_columns(
                "next token", "context tokens", "sums of 1/t, {unit}, over all contexts of t tokens"
            ),
            axes=(Axis.NEXT, Axis.CONTEXT),
            pairs="distinct pairs of next and context token",
            fixed_point=True,
            adds_up=True,
            published="always",
            stage="merge",
        ),
    )
    FREQUENCIES = (
        "frequencies",
        Declared(
            "How often each token is the current one, and its total weight in contexts: row and column sums.",
            files="frequencies.parquet",
            columns=(
                TOKEN_ID,
                Column("current", "int64", "number of positions at which it is the current token"),
                Column("context", "int64", "its weight in all contexts, sums of 1/t {unit}"),
            ),
            adds_up=True,
            published="always",
        ),
    )
    TWO_HOP = (
        "two_hop",
        Declared(
            "The context matrix through attention twice: how much each token stands in contexts of the tokens in the "
            "context before each: a sparse matrix, rows NEXT, columns CONTEXT. In the context of position t the token "
            "at j weighs (1/t) (1/j + ... + 1/t). The next order of predicted weights needs it.",
            files=ROWS,
            columns=matrix_columns(
                "next token", "context tokens", "sums of (1/t) (1/j + ... + 1/t), {unit}, over all contexts"
            ),
            axes=(Axis.NEXT, Axis.CONTEXT),
            pairs="distinct pairs of next and context token, over two hops",
            fixed_point=True,
            adds_up=True,
            published="always",
        ),
    )
    CURRENT_CONTEXT = (
        "current_context",
        Declared(
            "How much each token stands in contexts that end with each: a sparse matrix, rows CURRENT, columns "
            "CONTEXT. The current token is in its own context. The next order of predicted weights needs it.",
            files=ROWS,
            columns=matrix_columns(
                "current token", "context tokens", "sums of 1/t, {unit}, over all contexts of t tokens"
            ),
            axes=(Axis.CURRENT, Axis.CONTEXT),
            pairs="distinct pairs of current and context token",
            fixed_point=True,
            adds_up=True,
            published="always",
        ),
    )
    DISTANCES = (
        "distances",
        Declared(
            "How often each token occurs exactly m places before each other one in a window, for "
            "each requested distance m: sparse matrices, rows CONTEXT (x_{t-m}), columns CURRENT (x_t), one for each "
            "folder distance=m. At distance 1 they are the bigrams.",
            files="distance=*/rows-*.parquet",
            columns=matrix_columns("earlier token", "later tokens", "how often the pair occurs at this distance"),
            axes=(Axis.CONTEXT, Axis.CURRENT),
            pairs="distinct pairs of tokens at each counted distance, summed over distances",
            adds_up=True,
            published="always",
        ),
    )
    COMPOSED = (
        "composed",
        Declared(
            "The attention scores, B'(B Phi), at the pairs of next and context token that occur.",
            axes=(Axis.NEXT, Axis.CONTEXT),
            pairs="distinct pairs of next and context token with a score",
            stage="compose",
        ),
    )
    QUERY_KEY = (
        "query_key",
        Declared(
            "The gradient of the attention scores, by query and key: a sparse matrix, rows CURRENT, columns "
            "CONTEXT. It is dimensionless; multiplied by (3 C(s,4) + 2 C(s,3)) eta^4 it predicts the attention "
            "weights after s steps with learning rate eta.",
            files=ROWS,
            columns=matrix_columns(
                "current token, the query",
                "context tokens, the keys",
                "averages over positions",
                "double",
            ),
            axes=(Axis.CURRENT, Axis.CONTEXT),
            pairs="distinct pairs of query and key",
            averages=True,
            published="always",
            stage="attention: merge",
        ),
    )
    POSITION = (
        "position",
        Declared(
            "The same gradient by distance: a vector.",
            files="position.parquet",
            columns=(
                Column("distance", "int32", "distance from key to query in tokens, from 0"),
                Column("bias", "double", "average over positions; dimensionless, like the values of query_key"),
            ),
            published="always",
        ),
    )
    ADAM_COMPOSED = (
        "adam_composed",
        Declared(
            "The scores of attention under another optimizer than gradient descent, at the pairs of next and context "
            "token that occur.",
            axes=(Axis.NEXT, Axis.CONTEXT),
            pairs="distinct pairs of next and context token with a score",
        ),
    )
    ADAM_QUERY_KEY = (
        "adam_query_key",
        Declared(
            "As query_key, of the scores of another optimizer, which the settings of its manifest name: a sparse "
            "matrix, rows CURRENT, columns CONTEXT. The optimizer's steps along it predict attention's weights.",
            files=ROWS,
            columns=matrix_columns(
                "current token (the query)", "context tokens (the keys)", "averages over positions", "double"
            ),
            axes=(Axis.CURRENT, Axis.CONTEXT),
            pairs="distinct pairs of query and key, under another optimizer",
            averages=True,
            published="always",
        ),
    )
    ADAM_POSITION = (
        "adam_position",
        Declared(
            "The same part by distance: a vector.",
            files="position.parquet",
            columns=(
                Column("distance", "int32", "tokens from the key to the query, from 0"),
                Column("bias", "double", "average over positions; without unit, like the values of adam_query_key"),
            ),
            published="always",
        ),
    )
    PAIR_SOURCES = (
        "pair_sources",
        Declared(
            "The documents behind entries of a count matrix, for the pairs of a file; the largest shares of each pair.",
            files="pairs-*.parquet",
            columns=(
                Column("token", "string", "the earlier token: the current one, or one in the context"),
                Column("other", "string", "the later one: the next token"),
                Column("document", "int64", "hash of the document's content"),
                Column("path", "string", "of the file that holds it, the first of equal documents"),
                Column("row", "int64", "its row there, as in documents; null where it is not known"),
                Column("units", "int64", "what it adds to the entry: positions, or sums of 1/t {unit}"),
                Column("share", "double", "of the entry"),
                Column("copies", "int32", "documents of this hash, whose shares are together here"),
            ),
            of_corpus=False,
        ),
    )
    PREDICTORS = (
        "predictors",
        Declared("Norms of the statistics that checkpoints are compared with.", of_corpus=False),
    )
    ALIGNMENT = (
        "alignment",
        Declared(
            "How well language models agree with the statistics of this corpus, one row per score.",
            files="*/scores.parquet",
            columns=(
                Column("model", "string", "name of the language model"),
                Column("revision", "string", "which of its revisions"),
                Column("step", "int64", "training step of the revision; null if its name gives none"),
                Column("layer", "int32", "number of the layer, from 0"),
                Column(
                    "head",
                    "int32",
                    "number of the attention head, from 0; null for the mean over heads and for streams",
                ),
                Column(
                    "component",
                    "string",
                    "qk: attention between tokens; pre, mid, post: the stream before, within and after the layer; "
                    "read: the stream before it as its attention reads it, after the norm",
                ),
                Column("predictor", "string", "which statistic of the corpus it is compared with"),
                Column(
                    "metric",
                    "string",
                    "raw: cosine of covariances; centred: the same after subtracting means (linear CKA)",
                ),
                Column("score", "double", "how well the two agree, at most 1"),
                Column("null_mean", "double", "mean of the score over all permutations of the tokens"),
                Column("null_sd", "double", "its standard deviation"),
                Column("z", "double", "how many standard deviations the score is above that mean"),
                Column("n_tokens", "int64", "number of tokens compared"),
                Column(
                    "corpus",
                    "string",
                    "name of the corpus; a name ending in ', shuffled' means that its tokens were in random order",
                ),
                Column(
                    "effective_rank",
                    "double",
                    "of the component's centred covariance C: (tr C)^2 / tr C^2, 1 if all tokens lie on one line",
                ),
                Column(
                    "top_tokens",
                    "string",
                    "the tokens with the largest shares of tr C, as the page shows them, with spaces between",
                ),
            ),
            of_corpus=False,
            published="always",
        ),
    )
    """A run has one for each revision, in a separate folder: ``alignment/<model>-<revision>-<hash>``."""
    REPORT = ("report", Declared("A page about the run, with its figures as files.", of_corpus=False))
    PRETRAINED = ("pretrained", Declared("The revisions of a small model trained on the windows.", of_corpus=False))
    VERIFICATION = (
        "verification",
        Declared("The theory's model trained on the windows, compared with its predicted weights.", of_corpus=False),
    )


def products_where(**facts: Any) -> tuple[Product, ...]:
    """List the products with the given facts, in the order in which they are made.

    Examples
    --------
    >>> [str(one) for one in products_where(of_corpus=True, adds_up=False)]
    ['composed', 'query_key', 'position', 'adam_composed', 'adam_query_key', 'adam_position']
    """
    return tuple(one for one in Product if all(getattr(one, name) == value for name, value in facts.items()))


OF_CORPUS = products_where(of_corpus=True)
"""The products of a run that are made from its corpus itself."""
