"""Settings of a run: YAML files checked into frozen sections."""

from leadterm.config.alignment import AlignmentSection, CheckpointSection
from leadterm.config.corpus_sources import is_table, read_as_table
from leadterm.config.dataset import CreatorSection, DatasetSection, SourceSection
from leadterm.config.pretraining import PretrainingSection
from leadterm.config.reading import canonical, load_config, parse_alignment, parse_config
from leadterm.config.report import ReportSection
from leadterm.config.section import Section
from leadterm.config.sections import (
    MAX_WINDOW_LENGTH,
    AssociationsSection,
    AttentionSection,
    Config,
    CorpusSection,
    CountingSection,
    WindowPolicy,
    WindowsSection,
)
from leadterm.config.tokenizers import (
    BpeTokenizerSection,
    HuggingFaceTokenizerSection,
    IdsTokenizerSection,
    TokenizerSection,
    UnknownPolicy,
    WordTokenizerSection,
)
from leadterm.config.training import TrainingSection

__all__ = [
    "MAX_WINDOW_LENGTH",
    "AlignmentSection",
    "AssociationsSection",
    "AttentionSection",
    "BpeTokenizerSection",
    "CheckpointSection",
    "Config",
    "CorpusSection",
    "CountingSection",
    "CreatorSection",
    "DatasetSection",
    "HuggingFaceTokenizerSection",
    "IdsTokenizerSection",
    "PretrainingSection",
    "ReportSection",
    "Section",
    "SourceSection",
    "TokenizerSection",
    "TrainingSection",
    "UnknownPolicy",
    "WindowPolicy",
    "WindowsSection",
    "WordTokenizerSection",
    "canonical",
    "is_table",
    "load_config",
    "parse_alignment",
    "parse_config",
    "read_as_table",
]
