"""Settings of a run: YAML files, validated into frozen sections."""

from typing import TYPE_CHECKING

from leadterm.lazy_names import lazy_names

if TYPE_CHECKING:
    from leadterm.config.alignment_section import AlignmentSection, CheckpointSection
    from leadterm.config.corpus_section import is_table, read_as_table
    from leadterm.config.dataset_section import CreatorSection, DatasetSection, SourceSection
    from leadterm.config.load import canonical, load_config, parse_config, parse_section, settings_of
    from leadterm.config.pretraining_section import PretrainingSection
    from leadterm.config.report_section import ReportSection
    from leadterm.config.run_sections import (
        MAX_WINDOW_LENGTH,
        AssociationsSection,
        AttentionSection,
        Config,
        CorpusSection,
        CountingSection,
        WindowPolicy,
        WindowsSection,
    )
    from leadterm.config.section_base import Section
    from leadterm.config.theory_section import TheorySection
    from leadterm.config.tokenizer_sections import (
        BpeTokenizerSection,
        HuggingFaceTokenizerSection,
        IdsTokenizerSection,
        TokenizerEngine,
        TokenizerSection,
        UnknownPolicy,
        WordTokenizerSection,
    )
    from leadterm.config.training_section import TrainingSection

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
    "TheorySection",
    "TokenizerEngine",
    "TokenizerSection",
    "TrainingSection",
    "UnknownPolicy",
    "WindowPolicy",
    "WindowsSection",
    "WordTokenizerSection",
    "canonical",
    "is_table",
    "load_config",
    "parse_config",
    "parse_section",
    "read_as_table",
    "settings_of",
]

__getattr__ = lazy_names(
    __name__,
    {
        "alignment_section": "AlignmentSection CheckpointSection",
        "corpus_section": "is_table read_as_table",
        "dataset_section": "CreatorSection DatasetSection SourceSection",
        "load": "canonical load_config parse_config parse_section settings_of",
        "pretraining_section": "PretrainingSection",
        "report_section": "ReportSection",
        "run_sections": "MAX_WINDOW_LENGTH AssociationsSection AttentionSection Config "
        "CorpusSection CountingSection WindowPolicy WindowsSection",
        "section_base": "Section",
        "theory_section": "TheorySection",
        "tokenizer_sections": "BpeTokenizerSection HuggingFaceTokenizerSection IdsTokenizerSection "
        "TokenizerEngine TokenizerSection UnknownPolicy WordTokenizerSection",
        "training_section": "TrainingSection",
    },
)
