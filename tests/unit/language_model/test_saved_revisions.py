"""Revisions on disk: whole or absent, and found by those who look for them."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from leadterm.checkpoints import find_revisions, open_checkpoint
from leadterm.errors import MachineError
from leadterm.language_model import new_model
from leadterm.language_model.saved_revisions import WEIGHTS, write_revision
from support.pretraining_cases import LENGTH, SIZE, pretrainer, settings


def test_revisions_are_found_and_opened_by_their_step(tmp_path):
    pretrainer(tmp_path).advance()
    found = find_revisions(tmp_path, "all")
    assert [revision.step for revision in found] == [0, 1, 2, 4, 6]
    hashes = set()
    for revision in found:
        with open_checkpoint(tmp_path, revision.name) as opened:
            opened.check_vocabulary([str(index) for index in range(SIZE)])
            assert (opened.step, opened.n_layers, opened.n_heads, opened.d_model) == (revision.step, 2, 2, 16)
            assert opened.remarks == ()
            hashes.add(opened.weights_sha256)
    assert len(hashes) == 5


def test_a_revision_computes_what_the_model_does(tmp_path):
    trainer = pretrainer(tmp_path, steps=2)
    trainer.advance()
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "step2", attn_implementation="eager")
    window = torch.tensor([[0, 3, 8, 1]])
    with torch.no_grad():
        assert torch.equal(loaded(window).logits, trainer.model.eval()(window).logits)
    assert loaded.config.max_position_embeddings == LENGTH
    assert (loaded.config.bos_token_id, loaded.config.eos_token_id) == (None, None)


def test_a_revision_is_whole_or_absent(tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leadterm.language_model.saved_revisions.save_file", fails)
    with pytest.raises(MachineError, match=r"cannot write .*step0: .*No space left.* on a disk with free space"):
        pretrainer(tmp_path).advance()
    assert [path.name for path in tmp_path.rglob("*")] == ["unfinished"]


def test_what_a_killed_training_leaves_is_taken_for_no_revision(tmp_path, monkeypatch):
    """Even where it had no time to clean up."""
    pretrainer(tmp_path, steps=1).advance()

    def killed(*_):
        monkeypatch.setattr("leadterm.atomic_files._remove", lambda path: None)
        raise KeyboardInterrupt

    monkeypatch.setattr("leadterm.language_model.saved_revisions.save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        write_revision(tmp_path, new_model(settings(), SIZE, LENGTH), 2, "{}")
    assert list(tmp_path.rglob(".step2.partial-*/config.json"))
    assert [revision.step for revision in find_revisions(tmp_path, "all")] == [0, 1]


def test_the_same_step_again_replaces_it(tmp_path):
    for seed in (1, 2):
        write_revision(tmp_path, new_model(settings(seed=seed), SIZE, LENGTH), 4, "{}")
        found = (tmp_path / "step4" / WEIGHTS).read_bytes()
    write_revision(tmp_path, new_model(settings(seed=1), SIZE, LENGTH), 4, "{}")
    assert (tmp_path / "step4" / WEIGHTS).read_bytes() != found
