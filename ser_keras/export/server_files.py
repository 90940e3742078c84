"""What lies beside and inside a version folder for a server and for people."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

CHECKSUM_FILE = "checksums.sha256"
MODEL_CARD_FILE = "model_card.md"

# Text protos of tensorflow_serving; {name} is the folder's.
CONFIG_FILES = {
    "models.config": """\
model_config_list {
  config {
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    model_version_policy { latest { num_versions: 1 } }
  }
}
""",
    # Files of any length batch as they are. Padding stays off: what the signatures `waveform` and
    # `features` need, their clients pad.
    "batching_parameters.txt": """\
max_batch_size { value: 16 }
batch_timeout_micros { value: 5000 }
num_batch_threads { value: 2 }
max_enqueued_batches { value: 64 }
pad_variable_length_inputs: false
""",
    "monitoring.config": """\
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
""",
}

RESEARCH_ONLY = (
    "It was trained on openSMILE's MFCC. openSMILE is licensed for research: this model may not\n"
    "go into a product. Prepare with `--mfcc tensorflow` and train again to be free of that."
)
FREE = "Its features were computed by this project's own code (MIT)."


def write_server_files(directory: Path) -> None:
    """Write the server's settings beside the versions; files that are there are kept.

    Args:
        directory: the folder of all versions; its name is the model's.
    """
    name = directory.resolve().name.replace("\\", r"\\").replace('"', r"\"")
    for file, text in CONFIG_FILES.items():
        if not (directory / file).exists():
            (directory / file).write_text(text.replace("{name}", name), encoding="utf-8")


def write_checksums(version_dir: Path) -> None:
    """SHA-256 of every file of a version, as `sha256sum --check checksums.sha256` reads them."""
    files = sorted(path for path in version_dir.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(version_dir)}\n"
        for path in files
    ]
    (version_dir / CHECKSUM_FILE).write_text("".join(lines), encoding="utf-8")


def model_card(info: Mapping) -> str:
    """Markdown: what the model is, how it was measured, and what it must not be used for.

    Args:
        info: the mapping of a fold's `model/info.json`.
    """
    is_research_only = info["features"]["mfcc"] == "opensmile"
    return f"""\
# {info["variant"]} on {info["corpus"]}

Names the emotion of a spoken utterance: {", ".join(info["emotions"])}.
Wang et al., "Speech Emotion Recognition with Dual-Sequence LSTM Architecture", ICASSP 2020;
variant `{info["variant"]}`, preset `{info["preset"]}`.

## Result, with its protocol

| corpus | protocol | test part | WA | UA |
|---|---|---|---|---|
| {info["corpus"]} | {info["protocol"]} | fold {info["fold"]} | \
{info["weighted_accuracy"]:.1%} | {info["unweighted_accuracy"]:.1%} |

WA (weighted accuracy) is plain accuracy, UA (unweighted accuracy) the mean of the class recalls, of
this one fold; its epoch was chosen on a validation part. {_PROTOCOLS.get(info["protocol"], "")}

## Licence

{RESEARCH_ONLY if is_research_only else FREE}
The licence of the corpus {info["corpus"]} applies to what is made of it, too.

## Limits

- It knows {len(info["emotions"])} emotions and always names one of them, for music and noise too.
- It learned from one corpus: expect less on other microphones, rooms, languages and ages, and on
  speech that is not acted where the corpus is.
- It hears one utterance of 25 ms to 60 s, mono, 16 kHz, of one voice; a recording of several
  utterances or voices gets one answer.
- An emotion in a voice is no fact about a person. It is no ground for decisions about people.
"""


_PROTOCOLS = {
    "speaker": "Nobody who was tested had been heard in training.",
    "random": "The voices of the test part had been heard in training: expect less on others.",
}
