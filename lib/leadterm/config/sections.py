"""The sections of a configuration: every key with its meaning, unit, range and default."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from leadterm.config.alignment import AlignmentSection
from leadterm.config.dataset import DatasetSection
from leadterm.config.pretraining import PretrainingSection
from leadterm.config.report import ReportSection
from leadterm.config.section import Section, Text, list_to_tuple
from leadterm.config.sizes import parse_bytes
from leadterm.config.tokenizers import MAX_DOCUMENTS, TokenizerSection

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
Bytes = Annotated[int, BeforeValidator(_size_to_bytes)]
Steps = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(list_to_tuple)]
SparkProperty = Annotated[str, Field(pattern=r"^spark\.[^\s]+$")]


class CorpusSection(Section):
    """Which documents are read, and from where."""

    paths: Strings = Field(min_length=1, description="files, folders, globs or URLs that Spark reads, at least one")
    format: Literal["parquet", "json"] = Field(
        default="parquet", description="file format; json has one object per line"
    )
    text_column: Text | None = Field(
        default=None,
        description="column of the text, dotted where nested (content.text); 'text' where ids_column is not given",
    )
    ids_column: Text | None = Field(
        default=None, description="column of token ids (list of integers) instead of text; needs tokenizer.kind: ids"
    )
    min_characters: int = Field(default=0, ge=0, description="shorter documents are dropped and counted; characters")
    max_characters: int = Field(
        default=DEFAULT_MAX_CHARACTERS,
        ge=1,
        description="longer documents are dropped and counted, which bounds an executor's memory; characters",
    )
    max_documents: Annotated[int, Field(ge=1, le=MAX_DOCUMENTS)] | None = Field(
        default=None, description="only the first so many eligible documents, in order of file path and row; null: all"
    )

    @model_validator(mode="before")
    @classmethod
    def _default_column(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("ids_column") is None and data.get("text_column") is None:
            return {**data, "text_column": "text"}
        return data

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
        default=128, ge=1, le=MAX_WINDOW_LENGTH, description="T, the most positions of a window; tokens"
    )
    policy: WindowPolicy = Field(
        default="tile",
        description="'tile': all of a document, in windows that overlap by one token; 'first': its first T+1 tokens",
    )
    files: int = Field(default=16, ge=1, le=MAX_FILES, description="number of files that the windows are written to")


class CountingSection(Section):
    """How pairs of tokens are counted."""

    scale_bits: int = Field(
        default=32, ge=8, le=40, description="binary digits after the point of the 1/t weights; bits"
    )
    memory_per_task: Bytes = Field(
        default=2**30, ge=MIN_MEMORY, description="what a counting task may hold, such as 512MiB, at least 64MiB; bytes"
    )
    rows_per_file: int = Field(default=1024, ge=1, description="rows of a matrix in one file (row block)")


class AttentionSection(Section):
    """How the attention terms are composed and counted."""

    top_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="only the so many most frequent tokens have rows and columns; null: all"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where the driver composes; auto: on CUDA where there is a device, else on the CPU"
    )
    memory: Bytes = Field(
        default=2**32,
        ge=MIN_MEMORY,
        description="what the CPU may hold of a product while it composes, such as 2GiB; bytes",
    )
    distribution: Literal["auto", "filesystem", "spark"] = Field(
        default="auto",
        description="how scores reach the executors: the run's folder, which all machines see, or Spark's own files; "
        "auto: the folder where the run lies on a disk, else Spark's files",
    )


class AssociationsSection(Section):
    """Which associations the summary shows."""

    tokens: Strings = Field(default=(), description="tokens whose strongest associations are shown; none by default")
    k: int = Field(default=10, ge=1, description="associations shown per token")


class TrainingSection(Section):
    """How a transformer of Definition 3.1 is trained, to compare its weights with the predicted ones."""

    layers: int = Field(default=2, ge=1, description="L, the attention layers of the model")
    learning_rate: float = Field(default=0.005, gt=0, description="eta, the size of a step of gradient descent")
    steps: int = Field(default=8, ge=1, description="s, the steps of gradient descent in all")
    compare_at: Steps = Field(
        default=(), description="steps after which weights are compared with the predicted ones; none given: the last"
    )
    batch: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="windows drawn for a step; null: all, as the theory assumes"
    )
    micro_batch: int = Field(
        default=32, ge=1, description="windows that are in memory together; changes rounding only; windows"
    )
    expand_paths: bool = Field(
        default=False,
        description="multiply weights with each other once a step, not with hidden states at each position; changes "
        "rounding only; faster where a step has many more positions than V; takes some 4^L / 3 + 2^L V x V matrices",
    )
    initialisation: Literal["zero", "gaussian"] = Field(
        default="zero", description="weights at the start: all zero, or drawn from N(0, v^2 / V^(2 + 2 xi))"
    )
    spread: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="v, with initialisation: gaussian; the theorem asks for v <= eta^2 / T^2"
    )
    exponent: float = Field(default=0.0, ge=0, description="xi, with initialisation: gaussian")
    seed: int = Field(default=0, ge=0, description="of the drawn weights and of the order of windows in batches")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="where the model is trained")
    dtype: Literal["float64", "float32", "tf32", "bfloat16"] = Field(
        default="float32",
        description="number type; tf32 and bfloat16 (float32 weights, matrix products in fewer bits) need device: cuda",
    )
    checkpoint_every: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="steps between checkpoints, from which a stopped training goes on; null: none"
    )

    @property
    def comparisons(self) -> tuple[int, ...]:
        """The steps at which to compare, ascending and each once."""
        return tuple(sorted(set(self.compare_at))) or (self.steps,)

    @model_validator(mode="after")
    def _settings_agree(self) -> "TrainingSection":
        problem = None
        late = [step for step in self.compare_at if step > self.steps]
        if late:
            problem = f"compare_at names step {late[0]} and steps is {self.steps}. Raise steps or remove it"
        elif self.initialisation == "gaussian" and self.spread is None:
            problem = "initialisation is 'gaussian' and spread is not given. Give spread, or choose zero"
        elif self.initialisation == "zero" and self.spread is not None:
            problem = f"initialisation is 'zero' and spread is {self.spread}. Remove spread, or choose gaussian"
        elif self.device == "cpu" and self.dtype in ("tf32", "bfloat16"):
            problem = (
                f"dtype is '{self.dtype}' and device is 'cpu', which lacks it. Set device to cuda, or dtype to float32"
            )
        if problem:
            raise PydanticCustomError("combination", "{problem}", {"problem": problem})
        return self


class Config(Section):
    """All of a run's settings; see the sections for their keys."""

    corpus: CorpusSection = Field(description="which documents are read")
    tokenizer: TokenizerSection = Field(discriminator="kind", description="how text becomes token ids")
    windows: WindowsSection = Field(default=WindowsSection(), description="how documents become windows")
    counting: CountingSection = Field(default=CountingSection(), description="how pairs are counted")
    attention: AttentionSection = Field(
        default=AttentionSection(), description="how the attention terms are composed and counted"
    )
    associations: AssociationsSection = Field(
        default=AssociationsSection(), description="which associations the summary shows"
    )
    training: TrainingSection | None = Field(
        default=None, description="how a small transformer is trained to check the predicted weights; null: it is not"
    )
    pretraining: PretrainingSection | None = Field(
        default=None, description="which small language model is trained on the windows; null: none"
    )
    alignment: AlignmentSection | None = Field(
        default=None, description="which checkpoints are compared with the corpus, and how; null: none"
    )
    report: ReportSection = Field(default=ReportSection(), description="what goes into the page about the run")
    dataset: DatasetSection | None = Field(
        default=None, description="what a published run says of its title, licence and sources; null: nothing"
    )
    spark: dict[SparkProperty, str | bool | int | float] = Field(
        default_factory=dict, description="Spark properties, used where spark-submit set none; names start with spark."
    )

    @model_validator(mode="after")
    def _tokens_agree(self) -> "Config":
        top, tokens = self.attention.top_tokens, self.alignment.tokens if self.alignment else None
        if tokens is not None and top != (tokens if isinstance(tokens, int) else None):
            raise PydanticCustomError(
                "combination",
                "attention.top_tokens is {top} and alignment.tokens is {tokens}. Scores of tokens that are left out "
                "enter the query-key matrix as zeros, so the two go together: give both the same number, or leave both "
                "without one",
                {"top": "null" if top is None else top, "tokens": tokens},
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
