"""Why a model of an unknown family cannot be read, which known family is the nearest, and what to do."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

_NEAREST = 3
_ALIKE = 0.5
_NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
_CHOOSE = "Choose a decoder-only language model"

_KINDS: dict[str, tuple[str, str]] = {
    "an encoder, whose attention sees later tokens": (
        "albert bert camembert deberta deberta-v2 distilbert electra eurobert modernbert mpnet roberta xlm-roberta",
        f"{_CHOOSE}.",
    ),
    "an encoder-decoder": (
        "bart bigbird_pegasus blenderbot led longt5 m2m_100 marian mbart mt5 mvp nllb-moe pegasus prophetnet "
        "switch_transformers t5 t5gemma umt5 whisper",
        f"{_CHOOSE}.",
    ),
    "a model without attention, which has no W_Q and W_K": (
        "falcon_mamba mamba mamba2 rwkv xlstm",
        f"{_CHOOSE} with attention.",
    ),
    "a model in which some layers are not attention, and have no W_Q and W_K": (
        "bamba falcon_h1 granitemoehybrid jamba kimi_linear lfm2 lfm2_moe minimax nemotron_h olmo_hybrid qwen3_5 "
        "qwen3_5_moe qwen3_next recurrent_gemma zamba zamba2",
        f"{_CHOOSE} with attention in every layer.",
    ),
    "a model with latent attention, whose keys are computed from a normalised, narrower vector, so there is no W_K": (
        "deepseek_v2 deepseek_v3 deepseek_v32 glm4_moe_lite kimi_k2 longcat_flash minicpm3 youtu",
        f"{_CHOOSE} without latent attention.",
    ),
    "a model whose heads are routed per token, or subtract one attention map from another": (
        "diffllama jetmoe",
        f"{_CHOOSE} whose heads have one W_Q and one W_K.",
    ),
    "a model whose layers differ in structure": (
        "gemma3n gemma3n_text gemma4 gemma4_text",
        f"{_CHOOSE} whose layers all have the same structure.",
    ),
}
"""By what such models are: their types, and the remedy. No line in families.py could describe them."""
_UNREADABLE = {name: (kind, remedy) for kind, (names, remedy) in _KINDS.items() for name in names.split()}


def message_of_unknown(config: Mapping[str, Any], source: str, known: Sequence[str]) -> str:
    """Say why a model is refused whose family is not known.

    Parameters
    ----------
    config
        What its config.json says.
    source
        The model, for the message.
    known
        The families that are known.
    """
    expected = f"{source}: expected a decoder of a family that leadterm knows"
    found = config.get("model_type")
    if not isinstance(found, str):
        return (
            f"{expected}; found a config.json without a model_type, which would name it. Take config.json from where "
            "the model was published, or save the model again with save_pretrained."
        )
    of_type = f"{expected}; found a model of type {found!r}"
    if found in _UNREADABLE:
        kind, remedy = _UNREADABLE[found]
        return f"{of_type}, {kind}. {remedy}"
    inner = next((config[name] for name in _NESTED if isinstance(config.get(name), Mapping)), None)
    if inner is not None:
        return (
            f"{of_type}, a multimodal model around a language model of type {inner.get('model_type')!r}. Save "
            "its language model alone with save_pretrained, or choose a text model."
        )
    own_code = ""
    if "auto_map" in config:
        own_code = ", with its own code (auto_map), which is never run"
    return f"{of_type}{own_code}. {_next_step(found, known)}"


def _next_step(found: str, known: Sequence[str]) -> str:
    like = [(SequenceMatcher(None, _plain(found), _plain(name)).ratio(), name) for name in known]
    nearest = [name for ratio, name in sorted(like, key=lambda pair: -pair[0])[:_NEAREST] if ratio >= _ALIKE]
    names = f"the closest names are {', '.join(map(repr, nearest))}" if nearest else "none has a similar name"
    return (
        f"Of the {len(known)} known families, {names}. Choose a model of a known family "
        "(leadterm.checkpoints.families.FAMILIES lists them); or describe this one there, as CONTRIBUTING.md says "
        "under 'a family of language models'."
    )


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
