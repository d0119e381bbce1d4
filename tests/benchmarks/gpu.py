"""What runs on a GPU, tested and measured on this machine's: ``make gpu``.

First the tests that need one. Then each computation, after its results were found to be the CPU's but for rounding: its
time here and there, and the least time that the device would need for its multiplications and its bytes, at rates that
are measured in the same run. Windows are drawn, so that neither Java nor text is needed. ``--device cpu`` is a trial
of the script.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.gpu_work import Case, Rates, compose_case, layer_case, measure_rates, training_case
from benchmarks.machine import describe_machine

ROOT = Path(__file__).parents[2]
HEADER = ("what", "size", "CPU s", "device s", "ratio", "error", "TFlop/s", "of the roofline")
WIDTHS = (30, 26, 9, 9, 7, 9, 8, 16)


def main(arguments: Sequence[str] | None = None) -> None:
    """Test, measure, print, write."""
    options = parse(arguments)
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit(f"torch {torch.__version__} sees no CUDA device here. A trial without one: --device cpu")
    if device.type == "cuda":
        require_tests()
    rates = measure_rates(device, options.side, dtypes(device))
    cases = [
        compose_case(device, rates, options.vocabulary_size, options.tokens, options.repeats),
        *(layer_case(device, rates, options.vocabulary_size, options.tokens, kind, options.repeats) for kind in EXACT),
        *(training_case(device, rates, options.words, kind, options.repeats) for kind in dtypes(device)),
    ]
    text = table(device, rates, cases)
    print(text)
    options.output.mkdir(parents=True, exist_ok=True)
    results = {"machine": describe_machine(), "rates": asdict(rates), "cases": [asdict(case) for case in cases]}
    (options.output / "gpu.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (options.output / "gpu.txt").write_text(text + "\n", encoding="utf-8")


def require_tests() -> None:
    """Run the tests that need a GPU; end if one fails."""
    if subprocess.run([sys.executable, "-m", "pytest", "-q", "-m", "cuda"], cwd=ROOT, check=False).returncode:
        raise SystemExit("a test failed on the device: nothing is measured")


EXACT, ROUNDED = ("float64", "float32"), ("tf32", "bfloat16")
"""Number types: those of all computations, and those that training may take on a GPU besides."""


def dtypes(device: torch.device) -> tuple[str, ...]:
    """Name the number types that training takes there."""
    return (*EXACT, *ROUNDED) if device.type == "cuda" else EXACT


def table(device: torch.device, rates: Rates, cases: Sequence[Case]) -> str:
    """Lay the results out."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU itself"
    products = ", ".join(f"{dtype} {rate / 1e12:.2f}" for dtype, rate in rates.products.items())
    lines = [
        f"on {name}, torch {torch.__version__}",
        f"dense products: {products} TFlop/s; a copy: {rates.copied / 1e9:,.0f} GB/s read and written",
        _row(HEADER),
    ]
    for case in cases:
        numbers = (f"{case.cpu_seconds:.3g}", f"{case.seconds:.3g}", f"{case.cpu_seconds / case.seconds:.1f}")
        share = f"{case.floor_seconds / case.seconds:.0%}"
        speed = f"{case.flops / case.seconds / 1e12:.2f}"
        lines.append(_row((case.name, case.size, *numbers, f"{case.error:.0e}", speed, share)))
    lines += [f"{case.name}: {case.remark}" for case in cases if case.remark]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    left, *others = zip(cells, WIDTHS, strict=True)
    return left[0].ljust(left[1]) + "".join(cell.rjust(width + 2) for cell, width in others)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="make gpu", description="what runs on a GPU, tested and measured")
    parser.add_argument("--device", default="cuda", help="default cuda")
    parser.add_argument("--vocabulary-size", type=int, default=49_152, help="of composing and scoring; default 49,152")
    parser.add_argument("--tokens", type=int, default=2_000_000, help="drawn for these; default 2,000,000")
    parser.add_argument("--words", type=int, default=1_000, help="of the trained model; default 1,000")
    parser.add_argument("--side", type=int, default=8_192, help="of the dense product that rates are taken from")
    parser.add_argument("--repeats", type=int, default=3, help="the fastest counts; default 3")
    parser.add_argument("--output", type=Path, default=ROOT / "data" / "bench" / "results", help="where gpu.txt goes")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
