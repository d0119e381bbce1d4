"""Settings of a run: YAML files checked into frozen sections."""

from leadterm.config.alignment import AlignmentSection, CheckpointSection
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
    "load_config",
    "parse_alignment",
    "parse_config",
]
