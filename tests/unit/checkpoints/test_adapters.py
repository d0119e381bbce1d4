"""What was trained beside a model is refused by name, wherever it lies, with how to merge it."""

import json
import shutil
from pathlib import Path

import gguf
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from leadterm.checkpoints import open_checkpoint
from leadterm.errors import InputError

WEIGHTS = "model.safetensors"
MERGE = (
    "Merge it into its model and save that, with transformers and peft: "
    "PeftModel.from_pretrained(base_model, folder).merge_and_unload().save_pretrained(other_folder)"
)


def message_of(source, *args) -> str:
    with pytest.raises(InputError) as caught:
        open_checkpoint(source, *args)
    return str(caught.value)


def write_adapter(folder: Path, weights: str = "adapter_model.safetensors", **settings) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / weights).write_bytes(b"0")
    if settings:
        (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


def test_a_folder_with_an_adapter(tmp_path):
    folder = write_adapter(tmp_path / "lora", peft_type="LORA", base_model_name_or_path="someone/base")
    assert message_of(folder) == (
        f"{folder}: expected a whole model; found an adapter of type LORA for the model 'someone/base' "
        f"(adapter_config.json), which modifies a model but is not a model itself. {MERGE}."
    )


@pytest.mark.parametrize(
    ("weights", "settings", "found"),
    [
        ("adapter_model.bin", {"peft_type": "IA3"}, "found an adapter of type IA3 (adapter_config.json)"),
        ("adapters.safetensors", {"num_layers": 8}, "found an adapter (adapter_config.json)"),
        ("pytorch_adapter.bin", {}, "found an adapter (pytorch_adapter.bin)"),
        ("pytorch_lora_weights.safetensors", {}, "found an adapter (pytorch_lora_weights.safetensors)"),
        ("adapter_model.safetensors", {}, "found an adapter (adapter_model.safetensors)"),
    ],
)
def test_other_adapters(tmp_path, weights, settings, found):
    message = message_of(write_adapter(tmp_path / "one", weights, **settings))
    assert found in message and message.endswith(f"{MERGE}.")


def test_a_folder_of_adapters(tmp_path):
    for step in (10, 20):
        write_adapter(tmp_path / f"checkpoint-{step}", peft_type="LORA")
    assert f"{tmp_path}/checkpoint-10: expected a whole model; found an adapter of type LORA" in message_of(tmp_path)


def test_an_adapter_beside_a_model(folder):
    """With peft installed, transformers would put it into the model; without, it would not."""
    write_adapter(folder, peft_type="LORA")
    message = message_of(folder)
    assert "found an adapter of type LORA (adapter_config.json), which" in message
    assert message.endswith("; or, to use the model without it, remove the adapter's files from the folder.")
    (folder / WEIGHTS).unlink()
    assert message_of(folder).endswith(f"{MERGE}.")


def test_an_adapter_on_the_hub(monkeypatch, tmp_path):
    repository = Path(constants.HF_HUB_CACHE) / "models--someone--lora"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    write_adapter(repository / "snapshots" / ("0" * 40), peft_type="LORA")
    monkeypatch.chdir(tmp_path)
    assert message_of("someone/lora").startswith(
        "someone/lora at revision 'main': expected a whole model; found an adapter of type LORA (adapter_config.json)"
    )


def test_neither_a_model_nor_an_adapter_on_the_hub(monkeypatch, tmp_path):
    repository = Path(constants.HF_HUB_CACHE) / "models--someone--else"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    (repository / "snapshots" / ("0" * 40)).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert message_of("someone/else").endswith(
        "expected a model with config.json and safetensors; found no config.json. Choose a model that was saved with "
        "save_pretrained."
    )


@pytest.mark.parametrize("is_renamed", [False, True])
def test_an_adapter_that_is_not_merged(folder, is_renamed):
    """As peft leaves a model: its own weights renamed, or not, and the adapter's beside them."""
    tensors = load_file(folder / WEIGHTS)
    stem = "model.layers.0.self_attn.q_proj"
    tensors |= {f"{stem}.lora_A.default.weight": torch.ones(2, 16), f"{stem}.lora_B.default.weight": torch.ones(16, 2)}
    if is_renamed:
        tensors[f"{stem}.base_layer.weight"] = tensors.pop(f"{stem}.weight")
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    message = message_of(folder)
    first = "base_layer.weight and 2" if is_renamed else "lora_A.default.weight and 1"
    assert f"found unmerged adapter weights among them: {stem}.{first} more. {MERGE}." in message


def test_a_gguf_file_of_an_adapter(tmp_path):
    path = tmp_path / "lora.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert message_of(path) == (
        f"{path}: expected a whole model; found an adapter (general.type), which modifies a model but is not "
        "a model itself. Merge it into its model with llama.cpp's llama-export-lora, and name the file that it writes."
    )


def test_a_model_beside_folders_of_adapters_is_opened(saved, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    write_adapter(folder / "adapter", peft_type="LORA")
    assert open_checkpoint(folder).n_layers == 2
