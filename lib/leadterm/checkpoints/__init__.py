"""Checkpoints of language models: where they come from, whether they are whole, and what each layer holds."""

from leadterm.checkpoints.checkpoint import Checkpoint, Probe, open_checkpoint
from leadterm.checkpoints.locate import find_revisions
from leadterm.checkpoints.readable import require_readable
from leadterm.checkpoints.residual_streams import Layer
from leadterm.checkpoints.revision_names import Revision
from leadterm.checkpoints.same_vocabulary import vocabulary_fingerprint

__all__ = [
    "Checkpoint",
    "Layer",
    "Probe",
    "Revision",
    "find_revisions",
    "open_checkpoint",
    "require_readable",
    "vocabulary_fingerprint",
]
