"""The section ``pretraining``: the language model that is trained on a run's windows."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WrapValidator, model_validator
from pydantic_core import PydanticCustomError

from leadterm.config.section_base import Section, list_to_tuple

DENSE = "dense"
KeptSteps = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...],
    BeforeValidator(list_to_tuple),
    WrapValidator(lambda value, check: value if value == DENSE else check(value)),
    PlainSerializer(lambda kept: kept if kept == DENSE else list(kept)),
]
"""Steps, or the word for many of them."""

ROTARY = 8
"""A head's dimensions are a multiple of this: GPT-NeoX rotates a quarter of them by position, in pairs."""


class PretrainingSection(Section):
    """How a small GPT-NeoX is trained, and which of its revisions are kept."""

    layers: int = Field(default=4, ge=1, description="blocks of the model, each with attention and an MLP")
    width: int = Field(
        default=256, ge=ROTARY, description="d_model, a multiple of 8 heads; the MLP is four times as wide"
    )
    heads: int = Field(default=4, ge=1, description="attention heads of a block")
    optimizer: Literal["adamw", "sgd"] = Field(
        default="adamw", description="adamw, or sgd: plain gradient descent on batches, without weight decay"
    )
    steps: int = Field(default=512, ge=1, description="total training steps")
    learning_rate: float = Field(default=0.001, gt=0, description="learning rate after warm-up")
    warmup_steps: int = Field(default=64, ge=0, description="steps of linear learning-rate warm-up; 0: none")
    batch: int = Field(default=32, ge=1, description="windows drawn for each step")
    weight_decay: float = Field(
        default=0.01, ge=0, description="weight decay of AdamW, on matrices, as a multiple of learning_rate per step"
    )
    keep: KeptSteps = Field(
        default=(),
        description="steps after which a revision is saved, always including the last; if none are given: 0 and the "
        "powers of two; dense: each of the first 16, then eight between two powers of two",
    )
    seed: int = Field(default=0, ge=0, description="seed of the initial weights and of the order of windows in batches")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="where the model is trained, in float32")

    @property
    def _is_dense(self) -> bool:
        """Whether the word stands where steps might."""
        return str(self.keep) == DENSE

    @property
    def revisions(self) -> tuple[int, ...]:
        """The steps whose revisions are kept, ascending and each once."""
        powers = (0, *(2**exponent for exponent in range(self.steps.bit_length())))
        kept = _dense(self.steps) if self._is_dense else self.keep or powers
        return tuple(sorted({*kept, self.steps}))

    @model_validator(mode="after")
    def _settings_agree(self) -> "PretrainingSection":
        problem = None
        late = [] if self._is_dense else [step for step in self.keep if step > self.steps]
        if late:
            problem = f"keep names step {late[0]} and steps is {self.steps}. Raise steps or remove it"
        elif self.width % (ROTARY * self.heads):
            problem = (
                f"width is {self.width} and heads is {self.heads}, but each head takes a multiple of {ROTARY} of the "
                f"width. Set width to a multiple of {ROTARY * self.heads}"
            )
        if problem:
            raise PydanticCustomError("combination", "{problem}", {"problem": problem})
        return self


def _dense(steps: int) -> list[int]:
    """List 0 to 16, and then eight steps to each power of two, up to the last.

    Examples
    --------
    >>> _dense(40)[14:]
    [14, 15, 16, 18, 20, 22, 24, 26, 28, 30, 32, 36, 40]
    """
    kept, step = [], 0
    while step <= steps:
        kept.append(step)
        step += max(1, 2 ** (step.bit_length() - 4))
    return kept
