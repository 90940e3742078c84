"""The faces of the packages: every name is there, and asking for one brings what it needs alone."""

import importlib
import subprocess
import sys

import pytest

FACES = (
    "data_pipeline",
    *(f"data_pipeline.{r}" for r in ("batches", "corpora", "records", "splits")),
)


@pytest.mark.parametrize("face", FACES)
def test_every_name_of_a_face_is_there_and_is_no_module(face):
    module = importlib.import_module(face)
    assert module.__all__
    for name in module.__all__:
        assert not isinstance(getattr(module, name), type(sys)), name
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize(
    "code",
    [
        "from data_pipeline import assign_folds, audit, load_prepared, read_corpus",
        "from data_pipeline.records import load_prepared, prepare, read_again",
        "from data_pipeline.records.shard import write_shard",
        "from data_pipeline.records.extracting import _extract_chunk",  # what a worker runs
        "from data_pipeline.splits import assign_folds",
    ],
)
def test_tensorflow_is_imported_where_it_is_needed(code):
    code = f"{code}\nimport sys; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
