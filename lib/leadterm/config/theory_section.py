"""The section ``theory``: what is counted for predictions beyond gradient descent's leading terms."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from leadterm.config.section_base import Section, list_to_tuple

OptimizerName = Literal["sgd", "adam", "adamw", "sign"]
Beta = Annotated[float, Field(ge=0, lt=1)]
Betas = Annotated[tuple[Beta, Beta], BeforeValidator(list_to_tuple)]


class TheorySection(Section):
    """The training for which attention's weights are predicted, and the order of the prediction."""

    optimizer: OptimizerName = Field(
        default="sgd",
        description="whose attention terms are counted beside gradient descent's: 'adam', 'adamw' or 'sign' (sign "
        "descent); 'sgd': none",
    )
    betas: Betas = Field(default=(0.9, 0.999), description="beta_1 and beta_2 of Adam and AdamW")
    eps: float = Field(
        default=1e-8, ge=0, description="epsilon of Adam and AdamW; 0: the limit of signs, whatever learning_rate"
    )
    weight_decay: float = Field(default=0.01, ge=0, description="lambda of AdamW")
    learning_rate: float = Field(
        default=1e-5, gt=0, description="eta for which the terms are counted, where eps is not 0"
    )
    steps: int = Field(default=4, ge=3, description="s for which the terms are counted, where eps is not 0")
    layers: int = Field(
        default=2, ge=1, description="L for which the terms are counted, with order 2 of another optimizer than sgd"
    )
    order: Literal[1, 2] = Field(
        default=1,
        description="2: what the next order of gradient descent's weights needs is counted too, and the optimizer's "
        "attention terms are those of the next order, for which V x V numbers must fit attention.memory",
    )

    @property
    def is_adaptive(self) -> bool:
        """Whether another optimizer's attention terms are requested."""
        return self.optimizer != "sgd"

    @property
    def has_next_order(self) -> bool:
        """Whether the next order's matrices are requested."""
        return self.order > 1
