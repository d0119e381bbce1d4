"""A small language model trained on a corpus, with revisions kept as folders that the field's tools open."""

from leadterm.language_model.gpt_neox import new_model, require_transformers
from leadterm.language_model.pretrainer import Pretrainer, batch_loss, learning_rate
from leadterm.language_model.saved_revisions import LOSS_TABLE, PRETRAINED, REVISION_FILES, UNFINISHED, revision_name

__all__ = [
    "LOSS_TABLE",
    "PRETRAINED",
    "REVISION_FILES",
    "UNFINISHED",
    "Pretrainer",
    "batch_loss",
    "learning_rate",
    "new_model",
    "require_transformers",
    "revision_name",
]
