"""Each job of leadterm, declared once: what it reads and makes, and the config keys that its bytes depend on.

The name of a job is also that of its folder in `leadterm.pipeline`, its script in ``jobs/`` and its events in the log.
"""

from dataclasses import dataclass, fields
from enum import StrEnum

from leadterm.catalog.products import SHUFFLED_RUN, Product

_P = Product


@dataclass(frozen=True)
class DeclaredJob:
    """The declaration of a job.

    Attributes
    ----------
    makes
        Its products.
    reads
        The products that it requires, in the order in which their jobs run.
    made_from
        Those of them on whose content its products depend; None: all of them.
    keys
        The config keys on which the bytes of its products depend: ``section.key``, or a whole ``section``.
    besides
        Keys of these sections on which they do not depend.
    when
        The section or key of a config that makes a run include the job; "" if every run includes it, None if no run
        does, because a command starts it.
    on_executors
        Whether it uses Spark; otherwise it is called without a session.
    counts_shuffled
        Whether it also runs for the shuffled corpus.
    adds_up
        Whether all its products add up: such a job runs for new files alone.
    told
        The products that it reports in the log; None: those that it makes.
    command
        The command that runs it, if users know it by the command.
    extras
        The extras of leadterm that it needs in addition to ``spark``, which every job needs.
    within
        The folder of the run that contains its products, if they form another run in that folder.
    predicted
        Whether a plan predicts its cost.
    """

    makes: tuple[Product, ...] = ()
    reads: tuple[Product, ...] = ()
    made_from: tuple[Product, ...] | None = None
    keys: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
    when: str | None = ""
    on_executors: bool = True
    counts_shuffled: bool = False
    adds_up: bool = False
    told: tuple[str, ...] | None = None
    command: str = ""
    extras: tuple[str, ...] = ()
    within: str = ""
    predicted: bool = True


GROWN = (_P.SOURCES, _P.WINDOWS, _P.BIGRAM, _P.CONTEXT)
"""Reported by a job that does all of encoding and counting."""


class Job(StrEnum):
    """The jobs, in the order in which they run; a member is also its name, a string."""

    makes: tuple[Product, ...]
    reads: tuple[Product, ...]
    made_from: tuple[Product, ...]
    keys: tuple[str, ...]
    besides: tuple[str, ...]
    when: str | None
    on_executors: bool
    counts_shuffled: bool
    adds_up: bool
    told: tuple[str, ...]
    command: str
    extras: tuple[str, ...]
    within: str
    predicted: bool

    def __new__(cls, name: str, declared: DeclaredJob = DeclaredJob()) -> "Job":
        """Attach the declaration to the name; ``Job("count_attention")`` looks up a job."""
        member = str.__new__(cls, name)
        member._value_ = name
        for field in fields(declared):
            setattr(member, field.name, getattr(declared, field.name))
        member.made_from = declared.reads if declared.made_from is None else declared.made_from
        member.told = declared.makes if declared.told is None else declared.told
        return member

    ENCODE_CORPUS = (
        "encode_corpus",
        DeclaredJob(
            makes=(_P.SOURCES, _P.DOCUMENTS, _P.VOCABULARY, _P.WINDOWS),
            keys=("corpus", "tokenizer", "windows"),
            # What lies there stands in the sources; all engines give the same ids.
            besides=("corpus.paths", "corpus.table", "corpus.version", "tokenizer.engine"),
            adds_up=True,
        ),
    )
    COUNT_COOCCURRENCES = (
        "count_cooccurrences",
        DeclaredJob(
            makes=(_P.BIGRAM, _P.CONTEXT, _P.FREQUENCIES),
            reads=(_P.WINDOWS, _P.VOCABULARY),
            made_from=(_P.WINDOWS,),
            keys=("counting.scale_bits", "counting.rows_per_file"),
            counts_shuffled=True,
            adds_up=True,
        ),
    )
    COUNT_TWO_HOPS = (
        "count_two_hops",
        DeclaredJob(
            makes=(_P.TWO_HOP, _P.CURRENT_CONTEXT),
            reads=(_P.WINDOWS, _P.VOCABULARY, _P.CONTEXT),
            made_from=(_P.WINDOWS,),
            keys=("counting.scale_bits", "counting.rows_per_file"),
            when="theory.has_next_order",
            adds_up=True,
            predicted=False,
        ),
    )
    COUNT_DISTANCES = (
        "count_distances",
        DeclaredJob(
            makes=(_P.DISTANCES,),
            reads=(_P.WINDOWS,),
            keys=("counting.distances", "counting.rows_per_file"),
            when="counting.distances",
            adds_up=True,
            predicted=False,
        ),
    )
    COMPOSE_WEIGHTS = (
        "compose_weights",
        DeclaredJob(
            makes=(_P.COMPOSED,),
            reads=(_P.VOCABULARY, _P.BIGRAM, _P.CONTEXT),
            keys=("attention.top_tokens", "attention.device"),
            on_executors=False,
            counts_shuffled=True,
            extras=("torch",),
        ),
    )
    COUNT_ATTENTION = (
        "count_attention",
        DeclaredJob(
            makes=(_P.QUERY_KEY, _P.POSITION),
            reads=(_P.WINDOWS, _P.VOCABULARY, _P.BIGRAM, _P.COMPOSED),
            made_from=(_P.WINDOWS, _P.COMPOSED),
            keys=("counting.rows_per_file",),
            counts_shuffled=True,
        ),
    )
    COMPOSE_ADAM_WEIGHTS = (
        "compose_adam_weights",
        DeclaredJob(
            makes=(_P.ADAM_COMPOSED,),
            reads=(_P.VOCABULARY, _P.BIGRAM, _P.CONTEXT),
            keys=("theory", "attention.top_tokens", "attention.device"),
            when="theory.is_adaptive",
            on_executors=False,
            counts_shuffled=True,
            extras=("torch",),
            predicted=False,
        ),
    )
    COUNT_ADAM_ATTENTION = (
        "count_adam_attention",
        DeclaredJob(
            makes=(_P.ADAM_QUERY_KEY, _P.ADAM_POSITION),
            reads=(_P.WINDOWS, _P.VOCABULARY, _P.BIGRAM, _P.ADAM_COMPOSED),
            made_from=(_P.WINDOWS, _P.ADAM_COMPOSED),
            keys=("theory", "counting.rows_per_file"),
            when="theory.is_adaptive",
            counts_shuffled=True,
            extras=("torch",),
            predicted=False,
        ),
    )
    SHUFFLE_CORPUS = (
        "shuffle_corpus",
        DeclaredJob(
            makes=(_P.VOCABULARY, _P.WINDOWS),
            reads=(_P.WINDOWS, _P.VOCABULARY),
            keys=("alignment.shuffled_seed",),
            when="alignment.shuffled",
            told=(f"{SHUFFLED_RUN}/{_P.WINDOWS}",),
            within=SHUFFLED_RUN,
        ),
    )
    """The other products of the run in the folder ``shuffled`` are made like those of any run."""
    EVALUATE_ALIGNMENT = (
        "evaluate_alignment",
        DeclaredJob(
            makes=(_P.PREDICTORS, _P.ALIGNMENT),
            reads=(
                _P.WINDOWS,
                _P.VOCABULARY,
                _P.BIGRAM,
                _P.CONTEXT,
                _P.FREQUENCIES,
                _P.COMPOSED,
                _P.QUERY_KEY,
            ),
            keys=("alignment",),
            besides=("alignment.checkpoints", "alignment.device", "alignment.at_once"),  # Which, and where it computes.
            when="alignment",
            told=(),  # One for each revision.
            extras=("torch", "checkpoints"),
        ),
    )
    BUILD_REPORT = (
        "build_report",
        DeclaredJob(
            makes=(_P.REPORT,),
            reads=(_P.WINDOWS, _P.VOCABULARY, _P.BIGRAM, _P.CONTEXT, _P.FREQUENCIES),
            keys=("report", "associations.tokens"),
            on_executors=False,
            extras=("torch",),
        ),
    )
    ATTRIBUTE_PAIRS = (
        "attribute_pairs",
        DeclaredJob(
            makes=(_P.PAIR_SOURCES,),
            reads=(_P.WINDOWS, _P.DOCUMENTS, _P.SOURCES, _P.VOCABULARY),
            made_from=(_P.WINDOWS, _P.DOCUMENTS, _P.SOURCES),
            when=None,
            command="leadterm sources --pairs",
            predicted=False,
        ),
    )
    ADD_FILES = ("add_files", DeclaredJob(when=None, told=GROWN))
    MERGE_RUNS = ("merge_runs", DeclaredJob(when=None, told=GROWN))
    SUBTRACT_DOCUMENTS = (
        "subtract_documents",
        DeclaredJob(when=None, told=GROWN, command="leadterm subtract"),
    )
    VERIFY_WEIGHTS = (
        "verify_weights",
        DeclaredJob(
            makes=(_P.VERIFICATION,),
            reads=(_P.WINDOWS, _P.VOCABULARY, _P.BIGRAM, _P.CONTEXT, _P.COMPOSED, _P.QUERY_KEY, _P.POSITION),
            keys=("training",),
            when=None,
            on_executors=False,
            command="leadterm verify",
            extras=("torch",),
        ),
    )
    ABLATE_WEIGHTS = (
        "ablate_weights",
        DeclaredJob(
            reads=(_P.WINDOWS, _P.VOCABULARY, _P.BIGRAM, _P.CONTEXT, _P.COMPOSED, _P.QUERY_KEY, _P.POSITION),
            keys=("training",),
            when=None,
            on_executors=False,
            told=(_P.VERIFICATION,),
            command="leadterm ablate",
            extras=("torch",),
        ),
    )
    """It adds a table to the product of the preceding job, whose trained model it ablates."""
    PRETRAIN_MODEL = (
        "pretrain_model",
        DeclaredJob(
            makes=(_P.PRETRAINED,),
            reads=(_P.VOCABULARY, _P.WINDOWS),
            keys=("pretraining",),
            when=None,
            on_executors=False,
            command="leadterm pretrain",
            extras=("torch", "checkpoints"),
        ),
    )

    @property
    def module(self) -> str:
        """The module with the job's function, which has the name of the job."""
        return f"leadterm.pipeline.{self}.job"

    @property
    def called(self) -> str:
        """Its name in messages: ``the job count_attention``, ``leadterm pretrain``."""
        return self.command or f"the job {self}"


MADE_BY: dict[str, Job] = {product: job for job in Job if not job.within for product in job.makes}
"""Which job makes which product of a run."""


def jobs_where(**facts: object) -> tuple[Job, ...]:
    """List the jobs with the given facts, in the order in which they run.

    Examples
    --------
    >>> [str(one) for one in jobs_where(adds_up=True)]
    ['encode_corpus', 'count_cooccurrences', 'count_two_hops', 'count_distances']
    """
    return tuple(one for one in Job if all(getattr(one, name) == value for name, value in facts.items()))


COUNTING = tuple(job for job in jobs_where(when="") if all(product.of_corpus for product in job.makes))
"""The jobs that make a run from a corpus, whatever else its config requests."""
