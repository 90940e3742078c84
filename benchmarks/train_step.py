"""A training step and a prediction of the dual-level model, beside the plain version and the floor.

    python -m benchmarks.train_step [--plain-without-onednn] [--json]

Both versions get the same weights and the same batch (32 utterances, 370 MFCC frames, spectrograms
of 460 x 64 and 230 x 128, preset paper, float32). Their losses and gradients are compared first.
Then each runs in a process of its own, with TensorFlow as its user gets it: the plain version as
TensorFlow sets itself up, ours as `ser_keras` does; both are printed. They take turns; figures
are medians. An answer is that of the exported graph to features as they are computed, beside the
plain version's prediction.
The floor is what the arithmetic alone needs: multiplications and additions of all products and
convolutions, forward and backward, at the speed of the fastest of the large matrix products that
take turns with the steps. Peak memory is that of the process after its training steps, without
what TensorFlow takes by itself.
"""

import argparse
import json
import os
import sys
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

from benchmarks.version_process import AS_STARTED, ONEDNN, VersionProcess  # isort: skip

from benchmarks.agreement import compare
from benchmarks.plain import give_weights
from benchmarks.turns import medians, seconds_in_turns
from benchmarks.versions import (
    BATCH,
    MFCC_FRAMES,
    N_MELS,
    NETWORK,
    NUM_FRAMES,
    PRODUCT_SIZE,
    VERSIONS,
    build,
)


def main(argv=None) -> int:
    """Run the benchmark and print it."""
    arguments = _parse_args(argv)
    result = measure(arguments.rounds, arguments.plain_without_onednn)
    print(json.dumps(result) if arguments.json else in_words(result))
    return 0


def _parse_args(argv) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument(
        "--rounds", type=int, default=9, metavar="N", help="steps timed (default: %(default)s)"
    )
    parser.add_argument(
        "--plain-without-onednn",
        action="store_true",
        help="run the plain version as TensorFlow does on processors without AVX512-VNNI, where it "
        "leaves its oneDNN kernels off",
    )
    return parser.parse_args(argv)


def measure(rounds: int, plain_without_onednn: bool) -> dict:
    """Every figure of the benchmark; see `benchmarks/README.md` for the keys."""
    models = {version: build(version) for version in VERSIONS}
    give_weights(models["plain"], models["ours"])
    agreement = compare(models)
    del models
    plain = AS_STARTED | ({ONEDNN: "0"} if plain_without_onednn else {})
    processes = {
        "ours": VersionProcess("ours", AS_STARTED),
        "plain": VersionProcess("plain", plain),
    }
    threads = {version: process.ask("threads") for version, process in processes.items()}
    # As TensorFlow sets itself up: on all cores.
    product = partial(processes["plain"].ask, "product")
    steps = seconds_in_turns(_calls(processes, "step") | {"product": product}, rounds)
    memory = {version: int(process.ask("peak_memory")) for version, process in processes.items()}
    inference, answers = (
        {
            size: medians(seconds_in_turns(_calls(processes, f"{asked} {size}"), 2 * rounds))
            for size in (1, BATCH)
        }
        for asked in ("predict", "answer")
    )
    for process in processes.values():
        process.close()
    speed = 2 * PRODUCT_SIZE**3 / min(steps["product"])
    steps = medians(steps)
    floor = step_operations() / speed
    return {
        "step_seconds": steps["ours"],
        "plain_step_seconds": steps["plain"],
        "floor_seconds": floor,
        "ratio_to_plain": steps["ours"] / steps["plain"],
        "ratio_to_floor": steps["ours"] / floor,
        "peak_memory_bytes": memory["ours"],
        "plain_peak_memory_bytes": memory["plain"],
        "peak_memory_ratio": memory["ours"] / memory["plain"],
        **{
            f"{prefix}inference_seconds_{size}": seconds[version]
            for size, seconds in inference.items()
            for prefix, version in (("", "ours"), ("plain_", "plain"))
        },
        **{f"inference_ratio_{size}": s["ours"] / s["plain"] for size, s in inference.items()},
        **{f"answer_seconds_{size}": s["ours"] for size, s in answers.items()},
        **{f"answer_ratio_{size}": s["ours"] / s["plain"] for size, s in answers.items()},
        "onednn_and_threads": threads,
        **agreement,
        "gflops_of_a_product": speed / 1e9,
        "gflop_of_a_step": step_operations() / 1e9,
    }


def _calls(processes: dict, command: str) -> dict:
    return {v: lambda process=p: process.ask(command) for v, p in processes.items()}


# --- The floor ---


def step_operations() -> float:
    """Multiplications and additions of a training step, from the shapes alone.

    A product counts once forward, once for the gradient of its weights and, except at the
    model's inputs, once for that of its input.
    """
    units = NETWORK.units
    total, sequences = 0, []
    for frames, mels, kernel in zip(
        NUM_FRAMES, N_MELS, (NETWORK.kernel_narrow, NETWORK.kernel_wide), strict=True
    ):
        channels = 1
        for filters in NETWORK.filters:
            frames, mels = frames - kernel[0] + 1, mels - kernel[1] + 1
            passes = 2 if channels == 1 else 3
            total += passes * 2 * BATCH * frames * mels * filters * channels * kernel[0] * kernel[1]
            frames, mels, channels = frames // 2, mels // 2, filters
        sequences.append((frames, mels * channels))
    (x_frames, x_size), (y_frames, y_size) = sequences
    steps = min(x_frames // 2, y_frames)
    for size in (x_size, units):
        weights = (size + y_size + units) * 4 * units + (size + y_size + 2 * units) * units
        total += 3 * 2 * BATCH * steps * weights
    total += 2 * BATCH * MFCC_FRAMES * 4 * units * (2 * 39 + 3 * units + 3 * 2 * units)
    return float(total)


def in_words(result: dict) -> str:
    """The figures as a table."""
    mib = 2**20
    rows = [
        ("training step, s", "step_seconds", "plain_step_seconds", 1),
        ("inference of 1, s", "inference_seconds_1", "plain_inference_seconds_1", 1),
        ("inference of 32, s", "inference_seconds_32", "plain_inference_seconds_32", 1),
        ("peak memory, MiB", "peak_memory_bytes", "plain_peak_memory_bytes", mib),
    ]
    lines = [f"{'':20}{'ours':>10}{'plain':>10}{'ratio':>8}"]
    for title, ours, plain, unit in rows:
        a, b = result[ours] / unit, result[plain] / unit
        lines.append(f"{title:20}{a:10.4g}{b:10.4g}{a / b:8.2f}")
    for size in (1, BATCH):
        ours, ratio = result[f"answer_seconds_{size}"], result[f"answer_ratio_{size}"]
        title = f"answer to {size}, s"
        lines.append(f"{title:20}{ours:10.4g}{ours / ratio:10.4g}{ratio:8.2f}")
    lines.append(
        f"floor {result['floor_seconds']:.3f} s ({result['gflop_of_a_step']:.0f} GFLOP at "
        f"{result['gflops_of_a_product']:.0f} GFLOP/s): our step takes "
        f"{result['ratio_to_floor']:.2f} times as long"
    )
    lines.append(
        f"in float64 losses agree to {result['loss_difference']:.0e}, gradients to "
        f"{result['gradient_difference']:.0e}; float32 gradients are off by "
        f"{result['float32_gradient_error']:.0e} (plain: "
        f"{result['plain_float32_gradient_error']:.0e})"
    )
    names = ("oneDNN", "threads of an operation", "operations at once")
    for version, values in result["onednn_and_threads"].items():
        told = zip(names, values.split(), strict=True)
        lines.append(f"{version}: " + ", ".join(f"{name} {value}" for name, value in told))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
