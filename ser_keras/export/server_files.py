"""What lies beside and inside a version folder for a server."""

from pathlib import Path

from data_pipeline.files import file_sha256, replace_file
from ser_keras.graph.layout import CHECKSUM_FILE

# Text protos of tensorflow_serving; {name} is the folder's.
CONFIG_FILES = {
    "models.config": """\
# On two processors start the server with
#   --tensorflow_intra_op_parallelism=1 --tensorflow_inter_op_parallelism=2
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


def write_server_files(directory: Path) -> None:
    """Write the server's settings beside the versions; files that are there are kept.

    Args:
        directory: the folder of all versions; its name is the model's.
    """
    # Bytes that are no text, and line breaks, cannot stand in a text proto.
    letters = directory.resolve().name
    name = "".join(letter if letter.isprintable() else "?" for letter in letters)
    name = name.replace("\\", r"\\").replace('"', r"\"")
    for file, text in CONFIG_FILES.items():
        if not (directory / file).exists():
            replace_file(directory / file, text.replace("{name}", name))


def write_checksums(version_dir: Path) -> None:
    """Write the SHA-256 of every file of a version, as `sha256sum --check` reads them."""
    files = sorted(path for path in version_dir.rglob("*") if path.is_file())
    lines = [f"{file_sha256(path)}  {path.relative_to(version_dir)}\n" for path in files]
    (version_dir / CHECKSUM_FILE).write_text("".join(lines), encoding="utf-8")
