"""The section ``training``: the small transformer that checks predicted weights."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from leadterm.config.section_base import Section, list_to_tuple
from leadterm.config.theory_section import Betas, OptimizerName

Steps = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(list_to_tuple)]


class TrainingSection(Section):
    """How a transformer of Definition 3.1 is trained, to compare its weights with the predicted ones."""

    layers: int = Field(default=2, ge=1, description="L, the attention layers of the model")
    optimizer: OptimizerName = Field(
        default="sgd",
        description="what makes a step of a gradient: 'sgd' (plain gradient descent), 'adam', 'adamw' or 'sign'",
    )
    betas: Betas = Field(default=(0.9, 0.999), description="beta_1 and beta_2 of Adam and AdamW")
    eps: float = Field(default=1e-8, gt=0, description="epsilon of Adam and AdamW")
    weight_decay: float = Field(default=0.01, ge=0, description="lambda of AdamW")
    learning_rate: float = Field(default=0.005, gt=0, description="eta, the size of a step")
    steps: int = Field(default=8, ge=1, description="s, the total number of gradient descent steps")
    compare_at: Steps = Field(
        default=(),
        description="steps after which weights are compared with the predicted ones; if none are given: the last",
    )
    batch: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="windows drawn for each step; null: all, as the theory assumes"
    )
    micro_batch: int = Field(
        default=32, ge=1, description="windows held in memory at a time; affects only rounding; windows"
    )
    expand_paths: bool = Field(
        default=False,
        description="multiply weights with each other once per step, not with hidden states at each position; "
        "affects only rounding; faster if a step has many more positions than V; takes about 4^L / 3 + 2^L V x V "
        "matrices",
    )
    initialisation: Literal["zero", "gaussian"] = Field(
        default="zero", description="initial weights: all zero, or drawn from N(0, v^2 / V^(2 + 2 xi))"
    )
    spread: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="v, with initialisation: gaussian; the theorem asks for v <= eta^2 / T^2"
    )
    exponent: float = Field(default=0.0, ge=0, description="xi, with initialisation: gaussian")
    seed: int = Field(default=0, ge=0, description="seed of the initial weights and of the order of windows in batches")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="where the model is trained")
    dtype: Literal["float64", "float32", "tf32", "bfloat16"] = Field(
        default="float32",
        description="number type; tf32 and bfloat16 (float32 weights, matrix products in fewer bits) need device: cuda",
    )
    checkpoint_every: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="steps between checkpoints, from which an interrupted training resumes; null: none"
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
