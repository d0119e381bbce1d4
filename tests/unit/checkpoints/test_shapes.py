"""How large a model is, told by its files without its weights: against the models themselves."""

import json
import struct

import pytest

from leadterm.checkpoints.shapes import shape_of
from leadterm.corpus.gguf_header import read_gguf_numbers
from leadterm.errors import InputError
from support.tiny_models import CONFIGS, save, tiny_model


@pytest.mark.parametrize("family", sorted(CONFIGS))
def test_the_model_has_the_shape_that_its_files_tell(tmp_path, family):
    model = tiny_model(family)
    save(model, tmp_path / "model")
    found = shape_of(str(tmp_path / "model"), None)
    config = model.config.get_text_config()
    heads = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    assert (found.n_layers, found.d_model) == (config.num_hidden_layers, config.hidden_size)
    assert (found.n_heads, found.d_head) == (config.num_attention_heads, heads)
    assert found.vocabulary_size == config.vocab_size
    assert 0 < found.layer_weights < found.n_weights


def test_revisions_are_counted(tmp_path):
    for step in (1, 2, 4):
        save(tiny_model("llama"), tmp_path / f"step{step}")
    assert shape_of(str(tmp_path), "all").revisions == 3
    assert shape_of(str(tmp_path), ("step1..step2",)).revisions == 2
    assert shape_of(str(tmp_path), ("step4", "step1")).revisions == 2


@pytest.mark.parametrize(
    ("source", "revisions", "says"),
    [
        ("owner/not-here", None, "owner/not-here at revision 'main' is not on this machine yet"),
        ("owner/not-here", "all", "owner/not-here: only the hub knows which revisions it has"),
        ("owner/not-here", ("step1..step8",), "only the hub knows which revisions it has"),
        ("./not-here", None, "there is no such file or folder"),
    ],
)
def test_a_model_that_is_not_here_is_named(tmp_path, monkeypatch, source, revisions, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=says):
        shape_of(source, revisions)


def test_a_config_without_sizes_is_named(tmp_path):
    save(tiny_model("llama"), tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    config = json.loads(file.read_text())
    del config["num_hidden_layers"]
    file.write_text(json.dumps(config))
    with pytest.raises(InputError, match="do not say how large it is; none of these exists: num_hidden_layers"):
        shape_of(str(tmp_path / "model"), None)


def test_whole_numbers_of_a_gguf_file(tmp_path):
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    entries = [
        text("llama.block_count") + struct.pack("<II", 4, 30),
        text("general.name") + struct.pack("<I", 8) + text("a model"),
        text("a.list") + struct.pack("<IIQ", 9, 8, 2) + text("x") + text("y"),
        text("a.ratio") + struct.pack("<If", 6, 0.5),
        text("llama.vocab_size") + struct.pack("<IQ", 10, 49152),
        text("a.flag") + struct.pack("<I?", 7, True),
    ]
    (tmp_path / "a.gguf").write_bytes(struct.pack("<4sIQQ", b"GGUF", 3, 0, len(entries)) + b"".join(entries))
    assert read_gguf_numbers(tmp_path / "a.gguf") == {"llama.block_count": 30, "llama.vocab_size": 49152}
