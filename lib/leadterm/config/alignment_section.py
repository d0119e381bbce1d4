"""The section ``alignment``: which checkpoints are compared with the run, and how."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from leadterm.config.section_base import Section, Text, list_to_tuple
from leadterm.config.shuffled_suffix import SHUFFLED


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else list_to_tuple(value)


class CheckpointSection(Section):
    """A language model, and the revisions to score."""

    source: Text = Field(
        description="a folder with config.json and safetensors, a folder of such folders, a GGUF file, or a hub name"
    )
    revisions: Annotated[tuple[Text, ...], BeforeValidator(_one_or_more)] | None = Field(
        default=None,
        description="names, ranges such as step1..step512, or all; null: the model itself, on the hub its main branch",
    )
    name: Text | None = Field(default=None, description="name of the model in the table; null: its source")
    allow_zeros: bool = Field(
        default=False, description="take a model with matrices that are all zero, instead of refusing it"
    )

    @property
    def label(self) -> str:
        """The model's name in the table."""
        return self.name or self.source


Checkpoints = Annotated[tuple[CheckpointSection, ...], BeforeValidator(list_to_tuple)]
Layers = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...],
    BeforeValidator(list_to_tuple),
]


class AlignmentSection(Section):
    """How checkpoints are compared with the corpus."""

    checkpoints: Checkpoints = Field(
        default=(), description="models to score, besides those trained on the run itself; may be empty"
    )
    corpus: Text | None = Field(default=None, description="name of the corpus in the table; null: the run's folder")
    predictors: Literal["paper", "every"] = Field(
        default="paper",
        description="paper: attention against Q, streams against V; every: each basis function and its transpose too",
    )
    tokens: Literal["all", "occurring"] | Annotated[int, Field(ge=4)] = Field(
        default="all", description="the whole vocabulary (the paper), tokens that occur, or the N most frequent"
    )
    probe: Literal["alone", "bos"] = Field(
        default="alone", description="each token is fed alone (the paper), or after the token that begins a text"
    )
    orientation: Literal["paper", "authors"] = Field(
        default="paper", description="rows of Q are queries (paper), or keys, as in the authors' script"
    )
    layers: Annotated[Layers, Field(min_length=1)] | None = Field(
        default=None, description="numbers of the layers to score, from 0; null: all"
    )
    heads: Literal["all", "none"] | Layers = Field(
        default="all", description="whether heads are scored individually: all, none, or those of some layers"
    )
    norms: Literal["auto", "exact", "estimated"] = Field(
        default="auto",
        description="norms of the predictors' covariances; auto: exact up to 4,096 tokens, else estimated to 0.02 %",
    )
    dtype: Literal["auto", "float32", "float64"] = Field(
        default="auto",
        description="number type; auto: float32 for the model, float64 for products with the statistics",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto",
        description="where layers are scored; auto: on CUDA if a task has a device, otherwise on the CPU",
    )
    at_once: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="revisions scored at the same time, each a model in memory; null: as many as Spark has "
        "slots for, or one if a local Spark shares a GPU",
    )
    shuffled: bool = Field(
        default=False,
        description="a second null: also score against the same corpus with its tokens shuffled, counted in the same "
        "way",
    )
    shuffled_seed: int = Field(default=0, ge=0, description="of the shuffled corpus")

    @model_validator(mode="after")
    def _names_differ(self) -> "AlignmentSection":
        labels = [checkpoint.label for checkpoint in self.checkpoints]
        if self.corpus is not None and self.corpus.endswith(SHUFFLED):
            problem = f"corpus ends in '{SHUFFLED}', which marks the second null in the table. Choose another name"
            raise PydanticCustomError("combination", "{problem}", {"problem": problem})
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            problem = f"'{twice[0]}' is listed twice in checkpoints. Remove one, or give them different names"
            raise PydanticCustomError("combination", "{problem}", {"problem": problem})
        return self
