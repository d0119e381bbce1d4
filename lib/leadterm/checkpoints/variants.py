"""Models of known families that are built otherwise than the others, or than transformers computes them."""

from typing import Any

from leadterm.errors import InputError

_MPT = {"attn_type": "multihead_attention", "qk_ln": False, "alibi": True, "alibi_bias_max": 8}
"""What transformers (5.23, models/mpt) takes for granted of ``attn_config``, whatever a config.json says."""


def refuse_variant(config: Any, source: str) -> None:
    """Refuse a model whose layers would be told wrong.

    Raises
    ------
    InputError
        Names the key of config.json.
    """
    if config.model_type == "bloom" and config.apply_residual_connection_post_layernorm:
        raise InputError(
            f"{source}: expected blocks that add to the residual stream; found blocks that add to the output of norms "
            "(config.json, apply_residual_connection_post_layernorm). Choose another BLOOM."
        )
    if config.model_type == "mpt":
        _refuse_mpt(config, source)


def _refuse_mpt(config: Any, source: str) -> None:
    found = {f"attn_config.{key}": (usual, getattr(config.attn_config, key, usual)) for key, usual in _MPT.items()}
    found["no_bias"] = True, config.no_bias
    other = {key: (usual, value) for key, (usual, value) in found.items() if value != usual}
    if other:
        key, (usual, value) = next(iter(other.items()))
        raise InputError(
            f"{source}: expected an MPT with {key}: {usual!r} in config.json, the only value that transformers "
            f"implements; found {value!r}. Choose another MPT, or a copy saved as a model of another family."
        )
