"""The model that is trained: a GPT-NeoX of transformers, as Pythia's are, with weights drawn from a seed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch

from leadterm.config import PretrainingSection
from leadterm.errors import InputError


def require_transformers() -> None:
    """Refuse to go on without the package that the model comes from.

    Raises
    ------
    InputError
        If it is not installed; names the extra that brings it.
    """
    if find_spec("transformers") is None:
        raise InputError(
            "training a language model needs the package transformers, which is not installed. "
            "Install it with: pip install 'leadterm[checkpoints]'"
        )


def new_model(settings: PretrainingSection, vocabulary_size: int, context_length: int) -> Any:
    """Draw a GPT-NeoX as transformers draws one: matrices from N(0, 0.02^2), biases 0, embeddings not tied.

    Parameters
    ----------
    settings : PretrainingSection
        Its sizes and its seed. The state of torch's own random numbers stays as it is.
    vocabulary_size, context_length : int
        V, the rows of both embeddings, and T, the most positions of a window.

    Returns
    -------
    transformers.GPTNeoXForCausalLM
        In float32 on the CPU, without BOS and EOS tokens, as windows have none.

    Raises
    ------
    InputError
        If transformers is not installed.
    """
    require_transformers()
    import transformers  # noqa: PLC0415 - an optional extra, seconds to import

    config = transformers.GPTNeoXConfig(
        vocab_size=vocabulary_size,
        hidden_size=settings.width,
        intermediate_size=4 * settings.width,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        max_position_embeddings=context_length,
        bos_token_id=None,
        eos_token_id=None,
        architectures=[transformers.GPTNeoXForCausalLM.__name__],
        dtype="float32",
    )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(settings.seed)
        models: Any = transformers.AutoModelForCausalLM
        return models.from_config(config, attn_implementation="eager")  # plain matrix products, no fused kernels
