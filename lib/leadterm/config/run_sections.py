"""The sections of a configuration: every key with its meaning, unit, range and default."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from leadterm.config.alignment_section import AlignmentSection
from leadterm.config.corpus_section import (
    describe_source,
    has_order,
    normalise_version,
    source_problem,
    with_paths,
)
from leadterm.config.dataset_section import DatasetSection
from leadterm.config.pretraining_section import PretrainingSection
from leadterm.config.report_section import ReportSection
from leadterm.config.section_base import Section, Text, list_to_tuple
from leadterm.config.size_values import parse_bytes
from leadterm.config.theory_section import TheorySection
from leadterm.config.tokenizer_sections import MAX_DOCUMENTS, TokenizerSection
from leadterm.config.training_section import TrainingSection

WindowPolicy = Literal["tile", "first"]

MAX_WINDOW_LENGTH = 65_536
MAX_FILES = 65_536
MIN_MEMORY = 64 * 2**20
DEFAULT_MAX_CHARACTERS = 10_000_000


def _size_to_bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_bytes(value)
    except ValueError as error:
        raise PydanticCustomError("size", "{expected}", {"expected": str(error)}) from error


Strings = Annotated[tuple[Text, ...], BeforeValidator(list_to_tuple)]
Distance = Annotated[int, Field(ge=1)]
Distances = Annotated[
    tuple[Distance, ...], BeforeValidator(list_to_tuple), AfterValidator(lambda found: tuple(sorted(set(found))))
]
Bytes = Annotated[int, BeforeValidator(_size_to_bytes)]
SparkProperty = Annotated[str, Field(pattern=r"^spark\.[^\s]+$")]


class CorpusSection(Section):
    """Which documents are read, and from where."""

    table: Text | None = Field(
        default=None, description="instead of paths: a table in one of Spark's catalogs, catalog.db.name"
    )
    paths: Strings = Field(
        description="files, folders, globs or URLs, including hf://datasets/owner/name@revision/path; at least "
        "one; if format is delta, iceberg or hudi, the root of one table"
    )
    format: Literal["parquet", "json", "delta", "iceberg", "hudi", "orc", "avro", "csv"] = Field(
        default="parquet",
        description="json has one object per line, csv a header; delta, iceberg and hudi are tables; iceberg, "
        "hudi and avro are read by Spark's connectors",
    )
    version: Annotated[Text, BeforeValidator(normalise_version)] | None = Field(
        default=None, description="version, snapshot or instant of the table; null: the latest"
    )
    where: Text | None = Field(
        default=None,
        description="a SQL predicate over columns and partition folders; rows for which it is not true are dropped "
        "and counted; null: all rows are read",
    )
    text_column: Text | None = Field(
        default=None,
        description="column of the text, dotted if nested (content.text); defaults to 'text' unless ids_column is "
        "given",
    )
    ids_column: Text | None = Field(
        default=None, description="column of token ids (list of integers) instead of text; needs tokenizer.kind: ids"
    )
    join: str | None = Field(
        default=None,
        description="separator used to join a list of texts into one document (messages.content); null: "
        "lists are refused",
    )
    surrogates: Literal["refuse", "replace"] = Field(
        default="refuse",
        description="unpaired surrogates in JSON: 'refuse' them, or 'replace' them with U+FFFD and count the texts",
    )
    copies: Literal["refuse", "count"] = Field(
        default="refuse", description="files with identical bytes: 'refuse' them, or 'count' each one"
    )
    min_characters: int = Field(default=0, ge=0, description="shorter documents are dropped and counted; characters")
    max_characters: int = Field(
        default=DEFAULT_MAX_CHARACTERS,
        ge=1,
        description="longer documents are dropped and counted, which bounds an executor's memory; characters",
    )
    max_documents: Annotated[int, Field(ge=1, le=MAX_DOCUMENTS)] | None = Field(
        default=None, description="only the first N eligible documents, in order of file path and row; null: all"
    )

    @model_validator(mode="before")
    @classmethod
    def _default_column(cls, data: Any) -> Any:
        if isinstance(data, dict):
            data = with_paths(data)
            if data.get("ids_column") is None and data.get("text_column") is None:
                return {**data, "text_column": "text"}
        return data

    @field_validator("paths")
    @classmethod
    def _some_path(cls, paths: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not paths and info.data.get("table", "") is None:
            raise ValueError("there is none")
        return paths

    @model_validator(mode="after")
    def _one_source(self) -> "CorpusSection":
        if problem := source_problem(self):
            raise PydanticCustomError("combination", "{problem}", {"problem": problem})
        return self

    @model_validator(mode="after")
    def _one_kind_of_column(self) -> "CorpusSection":
        if self.ids_column is None:
            if self.min_characters > self.max_characters:
                raise PydanticCustomError(
                    "combination",
                    "min_characters is {low} and max_characters is {high}: no document can be kept. "
                    "Lower min_characters or raise max_characters",
                    {"low": self.min_characters, "high": self.max_characters},
                )
            return self
        if self.text_column is not None:
            raise PydanticCustomError(
                "combination",
                "text_column is '{text}' and ids_column is '{ids}', but documents are either text or ids. "
                "Remove one of the two",
                {"text": self.text_column, "ids": self.ids_column},
            )
        if self.join is not None or self.surrogates == "replace":
            raise PydanticCustomError(
                "combination",
                "join and surrogates apply to texts, but ids_column is '{ids}'. Remove join and surrogates",
                {"ids": self.ids_column},
            )
        if self.min_characters != 0 or self.max_characters != DEFAULT_MAX_CHARACTERS:
            raise PydanticCustomError(
                "combination",
                "min_characters and max_characters count the characters of a text, but ids_column is '{ids}'. "
                "Remove min_characters and max_characters",
                {"ids": self.ids_column},
            )
        return self


class WindowsSection(Section):
    """How documents are cut into windows."""

    length: int = Field(
        default=128, ge=1, le=MAX_WINDOW_LENGTH, description="T, the maximum number of positions in a window; tokens"
    )
    policy: WindowPolicy = Field(
        default="tile",
        description="'tile': the whole document, in windows that overlap by one token; 'first': only its first T+1 "
        "tokens",
    )
    files: int = Field(default=16, ge=1, le=MAX_FILES, description="number of files of windows")


class CountingSection(Section):
    """How pairs of tokens are counted."""

    scale_bits: int = Field(default=32, ge=8, le=40, description="fractional bits of the fixed-point 1/t weights; bits")
    memory_per_task: Bytes = Field(
        default=2**30, ge=MIN_MEMORY, description="memory of a counting task, such as 512MiB, at least 64MiB; bytes"
    )
    rows_per_file: int = Field(default=1024, ge=1, description="rows of a matrix per file (row block)")
    distances: Distances = Field(
        default=(),
        description="distances m at which pairs (x_{t-m}, x_t) are counted, such as [1, 2, 4, 8]; none: no such pairs; "
        "tokens",
    )


class AttentionSection(Section):
    """How the attention terms are composed and counted."""

    top_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="only the N most frequent tokens have rows and columns; null: all"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto",
        description="where the driver composes; auto: on CUDA if there is a device, otherwise on the CPU",
    )
    memory: Bytes = Field(
        default=2**32,
        ge=MIN_MEMORY,
        description="memory for a block of a product while composing on the CPU, such as 2GiB; bytes",
    )
    distribution: Literal["auto", "filesystem", "spark"] = Field(
        default="auto",
        description="how scores reach the executors: through the run's folder, which all machines must see, or through "
        "Spark's own files; auto: the folder if the run is on a disk, otherwise Spark's files",
    )


class AssociationsSection(Section):
    """Which associations the summary shows."""

    tokens: Strings = Field(
        default=(),
        description="tokens whose strongest associations are shown, as typed (' bread') or as the "
        "page shows them; none by default",
    )
    k: int = Field(default=10, ge=1, description="associations shown per token")


class Config(Section):
    """All settings of a run; see the sections for their keys."""

    corpus: CorpusSection = Field(description="which documents are read")
    tokenizer: TokenizerSection = Field(discriminator="kind", description="how text becomes token ids")
    windows: WindowsSection = Field(default=WindowsSection(), description="how documents become windows")
    counting: CountingSection = Field(default=CountingSection(), description="how pairs are counted")
    attention: AttentionSection = Field(
        default=AttentionSection(), description="how the attention terms are composed and counted"
    )
    theory: TheorySection = Field(
        default=TheorySection(), description="for which training attention's weights are predicted, and to which order"
    )
    associations: AssociationsSection = Field(
        default=AssociationsSection(), description="which associations the summary shows"
    )
    training: TrainingSection | None = Field(
        default=None, description="the small transformer trained to check the predicted weights; null: none"
    )
    pretraining: PretrainingSection | None = Field(
        default=None, description="the small language model trained on the windows; null: none"
    )
    alignment: AlignmentSection | None = Field(
        default=None, description="which checkpoints are compared with the corpus, and how; null: none"
    )
    report: ReportSection = Field(default=ReportSection(), description="contents of the page about the run")
    dataset: DatasetSection | None = Field(
        default=None, description="title, licence and sources of a published run; null: none"
    )
    spark: dict[SparkProperty, str | bool | int | float] = Field(
        default_factory=dict,
        description="Spark properties, used unless spark-submit sets them; names start with spark.",
    )

    @model_validator(mode="after")
    def _distances_fit(self) -> "Config":
        if far := [m for m in self.counting.distances if m > self.windows.length]:
            raise PydanticCustomError(
                "combination",
                "counting.distances names {far}, and no two tokens of a window are more than windows.length "
                "({length}) apart. Remove it, or raise windows.length",
                {"far": far[0], "length": self.windows.length},
            )
        return self

    @model_validator(mode="after")
    def _tokens_agree(self) -> "Config":
        top, tokens = self.attention.top_tokens, self.alignment.tokens if self.alignment else None
        if tokens is not None and top != (tokens if isinstance(tokens, int) else None):
            raise PydanticCustomError(
                "combination",
                "attention.top_tokens is {top} and alignment.tokens is {tokens}. Scores of tokens that are left out "
                "enter the query-key matrix as zeros, so the two must agree: give both the same "
                "number, or neither",
                {"top": "null" if top is None else top, "tokens": tokens},
            )
        return self

    @model_validator(mode="after")
    def _order_is_known(self) -> "Config":
        wanted = getattr(self.tokenizer, "training_documents", None)
        if wanted is not None and not has_order(self.corpus):
            raise PydanticCustomError(
                "combination",
                "tokenizer.training_documents is {wanted} and {source}, whose rows have no order, so which "
                "come first is undefined. Set tokenizer.training_documents to null, for all documents",
                {"wanted": wanted, "source": describe_source(self.corpus)},
            )
        return self

    @model_validator(mode="after")
    def _ids_agree(self) -> "Config":
        has_ids = self.corpus.ids_column is not None
        if has_ids != (self.tokenizer.kind == "ids"):
            raise PydanticCustomError(
                "combination",
                "tokenizer.kind is '{kind}' and corpus.ids_column is {column}, but tokenizer.kind: ids and "
                "corpus.ids_column go together. {remedy}",
                {
                    "kind": self.tokenizer.kind,
                    "column": f"'{self.corpus.ids_column}'" if has_ids else "not given",
                    "remedy": "Set tokenizer.kind to ids" if has_ids else "Name the column in corpus.ids_column",
                },
            )
        return self
