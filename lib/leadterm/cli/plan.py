"""``leadterm plan``: before a run of hours, what it will take."""

import argparse
import json
import os
from typing import Any

from leadterm.cli.config_files import read_config
from leadterm.cli.console import say
from leadterm.cli.size_options import size
from leadterm.errors import ConfigError, LeadtermError
from leadterm.packages import FOR_SPARK_ALONE, require_packages
from leadterm.storage import Location


def add_plan(commands: Any) -> None:
    """Add ``leadterm plan``."""
    plan = commands.add_parser("plan", help="predict from a sample what a run will take and what would be refused")
    plan.add_argument("--config", required=True, help="a YAML file; see conf/")
    plan.add_argument(
        "--output", help="the run directory, to check its disk space; a finished run is compared with the plan"
    )
    plan.add_argument(
        "--cores", type=int, default=_cores(), help="concurrent tasks (default: the cores of this machine)"
    )
    plan.add_argument("--sample", type=size, default="4MB", help="bytes of text to sample (default 4MB)")
    plan.add_argument("--seed", type=int, default=0, help="seed of the sample (default 0)")
    plan.add_argument("--json", action="store_true", help="print JSON")
    plan.set_defaults(action=_plan)


def _cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _plan(options: argparse.Namespace) -> None:
    """Make a plan and show it; raises if a stage is sure to be refused.

    Raises
    ------
    LeadtermError
        Names the stages.
    """
    require_packages("leadterm plan", "spark", without=FOR_SPARK_ALONE)
    from leadterm.planner.make_plan import make_plan, measure_run  # noqa: PLC0415  # as below
    from leadterm.planner.plan_text import as_text, as_values  # noqa: PLC0415  # brings numba

    if options.cores < 1:
        raise ConfigError(f"--cores must be at least 1; found {options.cores}")
    output = Location.of(options.output) if options.output else None
    plan = make_plan(read_config(options.config), output, options.cores, options.sample, options.seed)
    measured = measure_run(output) if output else {}
    parts = (plan.stages, measured, plan.notes, plan.hazards)
    say(json.dumps(as_values(*parts), indent=1) if options.json else as_text(*parts))
    refused = dict.fromkeys(one.stage for one in plan.hazards if one.certain)
    if refused:
        raise LeadtermError(f"this run would be refused: {', '.join(refused)}. See the plan above for the reasons.")
