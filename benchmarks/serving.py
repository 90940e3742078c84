"""Seconds from a recording to an emotion, by every signature of an exported model.

    python -m benchmarks.serving                         the paper's network, batches of 1 and 32
    python -m benchmarks.serving --requests 5000 --preset demo      does memory grow?

The weights are random: they do not change the time. Everything is timed in one run, in turns, and
compared within it; seconds of different machines or hours tell nothing about each other.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import psutil
import tensorflow as tf

from benchmarks.memory import peak_rss_bytes
from benchmarks.turns import medians, seconds_in_turns
from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.contract import INPUT_NAMES
from data_pipeline.features.mel import mel_spectrogram
from data_pipeline.features.mfcc import opensmile_mfcc
from ser_keras.graph.requests import padded_features, padded_waveforms, wav_files
from ser_keras.graph.signatures import emotion_server, signatures_of
from ser_keras.model_info import ModelInfo
from ser_keras.models.variants import PROFILE
from ser_keras.settings import PRESETS
from ser_keras.training.model_files import build_from

SECONDS = 4.0  # of an utterance; IEMOCAP's mean is 4.5
BATCH_SIZES = (1, 32)
# What one recording from speech to emotion may take: so much of the features-only call, and more.
TARGET_RATIO, TARGET_SECONDS = 1.3, 0.010
INFO = ModelInfo(
    variant="dual_level",
    preset="paper",
    emotions=("angry", "happy", "neutral", "sad"),
    features={"sample_rate": SAMPLE_RATE, "mfcc": "tensorflow", "n_fft": [256, 512]},
    corpus="none",
    protocol="speaker",
    fold=0,
    num_frames=(500, 250),  # what 4 seconds have
    n_mels=(64, 128),
    inputs=INPUT_NAMES,
)

Call = Callable[[], object]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line."""
    args = parse_args(argv)
    keras.utils.set_random_seed(0)
    network = PRESETS[args.preset].network
    info = replace(INFO, preset=args.preset, takes_profile=network.functionals_weight > 0)
    model = build_from(info, network)
    with tempfile.TemporaryDirectory() as folder:
        served = saved_and_loaded(model, info, Path(folder))
        figures = {"preset": args.preset, "seconds_of_speech": SECONDS}
        if args.requests:
            figures |= memory_over_requests(served, args.requests)
        else:
            figures["batches"] = [time_batch(served, model, size) for size in BATCH_SIZES]
    print(json.dumps(figures, indent=2) if args.json else in_words(figures))


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="figures for programs, not a table")
    parser.add_argument(
        "--preset", choices=PRESETS, default="paper", help="size of the network (default: paper)"
    )
    parser.add_argument(
        "--requests",
        type=int,
        default=0,
        metavar="N",
        help="instead of timing, send N recordings of many lengths and watch the memory",
    )
    return parser.parse_args(argv)


def saved_and_loaded(model: keras.Model, info: ModelInfo, folder: Path):
    """The model as a server has it: written, and loaded again."""
    (folder / "assets").mkdir()
    server = emotion_server(model, info, folder / "assets")
    tf.saved_model.save(server, str(folder / "1"), signatures=signatures_of(server))
    return tf.saved_model.load(str(folder / "1"))


def speech_like(num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise that swells like syllables: float32 (num_samples,), peak about 0.5."""
    swell = 0.2 + np.sin(2 * np.pi * 3 * np.arange(num_samples) / SAMPLE_RATE) ** 2
    return (0.1 * swell * rng.standard_normal(num_samples)).astype(np.float32)


# --- time ---


def time_batch(served, model: keras.Model, batch_size: int) -> dict:
    """Median seconds an utterance of every way to an answer, and what they are in relation."""
    rng = np.random.default_rng(0)
    recordings = [speech_like(int(SECONDS * SAMPLE_RATE), rng) for _ in range(batch_size)]
    calls = ways(served, model, recordings)
    seconds = medians(seconds_in_turns(calls, rounds=15 if batch_size == 1 else 5))
    each = {name: value / batch_size for name, value in seconds.items()}
    features = seconds["features"]
    figures = {
        "batch_size": batch_size,
        "seconds_per_utterance": each,
        "real_time_factor": {name: value / SECONDS for name, value in each.items()},
        "ratio_to_features": {name: value / features for name, value in seconds.items()},
        # Of this process so far, which holds the model twice: Keras's and the SavedModel's.
        "peak_memory_mib": peak_rss_bytes() / 2**20,
    }
    if batch_size == 1:
        allowed = TARGET_RATIO * features + TARGET_SECONDS
        figures["target"] = {"seconds": allowed, "is_met": seconds["audio_bytes"] <= allowed}
    return figures


def ways(served, model: keras.Model, recordings: list[np.ndarray]) -> dict[str, Call]:
    """What is timed, by name."""
    features = client_features(recordings)
    ask_model = tf.function(lambda inputs: model(inputs, training=False)["logits"])
    inputs = model_inputs(features)
    if PROFILE in model.input:
        inputs[PROFILE] = tf.zeros((len(recordings), *model.input[PROFILE].shape[1:]))
    requests = {
        "audio_bytes": wav_files(recordings),
        "waveform": padded_waveforms(recordings),
        "features": features,
    }
    calls = {
        name: lambda name=name, request=request: served.signatures[name](**request)
        for name, request in requests.items()
    }
    calls["openSMILE + librosa, features"] = lambda: served.signatures["features"](
        **client_features(recordings)
    )
    calls["model(x) as a graph"] = lambda: ask_model(inputs)
    return calls


def client_features(recordings: list[np.ndarray]) -> dict[str, tf.Tensor]:
    """What a client of the signature `features` has to compute, one recording after the other."""
    return padded_features(
        [
            {
                "mfcc": opensmile_mfcc(samples),
                "mel_narrow": mel_spectrogram(samples, 256),
                "mel_wide": mel_spectrogram(samples, 512),
            }
            for samples in recordings
        ]
    )


def model_inputs(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Inputs of the network itself; what the numbers are makes no difference to its time."""
    narrow, wide = INFO.num_frames
    return {
        "mfcc": features["mfcc"],
        "num_mfcc_frames": features["num_mfcc_frames"],
        "mel_narrow": features["mel_narrow"][:, :narrow],
        "mel_wide": features["mel_wide"][:, :wide],
    }


def memory_over_requests(served, num_requests: int) -> dict:
    """Memory after a tenth of the requests and after all: files of 0.5 to 8 s, some of them bad."""
    rng = np.random.default_rng(0)
    memory = []
    for number in range(num_requests):
        samples = speech_like(int(rng.uniform(0.5, 8) * SAMPLE_RATE), rng)
        file = wav_files([samples])["audio_bytes"]
        request = file if number % 10 else tf.strings.substr(file, 0, 1000)
        served.signatures["audio_bytes"](audio_bytes=request)
        memory.append(psutil.Process().memory_info().rss / 2**20)
    early = memory[num_requests // 10]
    return {
        "requests": num_requests,
        "memory_mib_after_a_tenth": early,
        "memory_mib_after_half": memory[num_requests // 2],
        "memory_mib_at_the_end": memory[-1],
        "growth": memory[-1] / early - 1,
    }


# --- words ---


def in_words(figures: dict) -> str:
    """The figures as people read them."""
    head = f"preset {figures['preset']}, random weights"
    if "requests" in figures:
        places = {"a tenth": "after_a_tenth", "half": "after_half", "all": "at_the_end"}
        memory = (f"{figures[f'memory_mib_{key}']:.0f} MiB after {n}" for n, key in places.items())
        return f"{head}, {figures['requests']} requests: {', '.join(memory)}"
    head += f", utterances of {SECONDS:g} s"
    return "\n".join([head, *map(_batch_in_words, figures["batches"])])


def _batch_in_words(batch: dict) -> str:
    lines = [f"\nbatch of {batch['batch_size']}: ms an utterance, x real time, x features"]
    for name, seconds in batch["seconds_per_utterance"].items():
        factor, ratio = batch["real_time_factor"][name], batch["ratio_to_features"][name]
        lines.append(f"  {name:30} {1000 * seconds:8.1f} {factor:8.4f} {ratio:6.2f}")
    lines.append(f"  peak memory so far {batch['peak_memory_mib']:.0f} MiB")
    if target := batch.get("target"):
        verdict = "is met" if target["is_met"] else "is NOT met"
        limit = f"{TARGET_RATIO} x features + {1000 * TARGET_SECONDS:g} ms"
        lines.append(
            f"  audio_bytes: target of {limit} = {1000 * target['seconds']:.1f} ms {verdict}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
