"""Checkpoints of language models: where they come from, whether they are whole, and what each layer holds."""

from leadterm.checkpoints.checkpoint import Checkpoint, Probe, open_checkpoint
from leadterm.checkpoints.layers import Layer
from leadterm.checkpoints.readable import require_readable
from leadterm.checkpoints.revisions import Revision
from leadterm.checkpoints.sources import find_revisions
from leadterm.checkpoints.vocabulary import vocabulary_fingerprint

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
