"""The model that comes with the project, found and held to its checksums."""

from pathlib import Path

from data_pipeline.files import file_sha256
from ser_keras.errors import SerError
from ser_keras.graph.layout import CHECKSUM_FILE, SHIPPED, saved_versions

AGAIN = "install the package again, or name another model with --model"


def shipped_model(directory: Path = SHIPPED) -> Path:
    """The version folder of the model that comes with the project.

    Args:
        directory: where it lies in the package.

    Raises:
        SerError: it is not there, or not as it was made.
    """
    versions = saved_versions(directory)
    if not versions:
        raise SerError(f"{directory}: the model that comes with this package is not there; {AGAIN}")
    version = versions[max(versions)]
    if damaged := _first_damaged(version):
        raise SerError(
            f"{damaged}: the model that comes with this package is damaged there, expected what "
            f"{CHECKSUM_FILE} says; {AGAIN}"
        )
    return version


def _first_damaged(version: Path) -> Path | None:
    """The first file of a version folder that is not what its checksums say; None for none."""
    listed = version / CHECKSUM_FILE
    try:
        for line in listed.read_text(encoding="utf-8").splitlines():
            checksum, _, name = line.partition("  ")
            if file_sha256(version / name) != checksum:
                return version / name
    except (OSError, ValueError):
        return listed if not listed.is_file() else version
    return None
