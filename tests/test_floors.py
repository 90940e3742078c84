"""Imports go downward only (docs/architecture.md): every file is parsed."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Higher floors may import lower ones and their own. A folder stands for its files.
FLOORS = {
    "train": 4,
    "data_pipeline.__main__": 3,
    "data_pipeline.records.describing": 3,
    "data_pipeline.records.preparing": 3,
    "ser_keras.__main__": 3,
    "ser_keras.commands.classical": 3,
    "ser_keras.commands.predict": 3,
    "ser_keras.commands.report": 3,
    "data_pipeline.batches.datasets": 2,
    "data_pipeline.audio.parallel_decoding": 2,
    "data_pipeline.records.extracting": 2,
    "data_pipeline.features.functionals": 2,
    "data_pipeline.records.plan": 2,
    "data_pipeline.records.codec": 2,
    "data_pipeline.batches.training_profile": 2,
    "data_pipeline.records.verifying": 2,
    "data_pipeline.command_line": 2,
    "ser_keras.commands.train_options": 2,
    "ser_keras.scores.calibration": 2,
    "ser_keras.training.callbacks": 2,
    "ser_keras.training.checkpoint": 2,
    "ser_keras.training.svm": 2,
    "ser_keras.scores.accuracies": 2,
    "ser_keras.export.saved_model": 2,
    "ser_keras.export.check": 2,
    "ser_keras.scores.matrix_figure": 2,
    "ser_keras.runs.grid": 2,
    "ser_keras.predict.input_warnings": 2,
    "ser_keras.models": 2,
    "ser_keras.export.onnx": 2,
    "ser_keras.predict.files": 2,
    "ser_keras.training.epoch_lines": 2,
    "ser_keras.report.sections": 2,
    "ser_keras.report.comparisons": 2,
    "ser_keras.report.figures": 2,
    "ser_keras.report.page": 2,
    "ser_keras.report.reading": 2,
    "ser_keras.report.tables": 2,
    "ser_keras.runs.files": 2,
    "ser_keras.runs.folder": 2,
    "ser_keras.predict.served_model": 2,
    "ser_keras.export.server_files": 2,
    "ser_keras.graph.signatures": 2,
    "ser_keras.scores.statistics": 2,
    "ser_keras.predict.timeline.judging": 2,
    "ser_keras.predict.timeline.figure": 2,
    "ser_keras.predict.timeline.files": 2,
    "ser_keras.training.fold": 2,
    "ser_keras.export.trials": 2,
    "ser_keras.graph.verdicts": 2,
    "ser_keras.export.warmup": 2,
    "ser_keras.graph.wav": 2,
    "ser_keras.layers": 1,
    "ser_keras.training.metrics": 1,
    "ser_keras.report.paper_table": 1,
    "ser_keras.settings": 1,
    "data_pipeline.audio.reading": 1,
    "data_pipeline.features.level": 1,
    "data_pipeline.features.mel": 1,
    "data_pipeline.features.mfcc": 1,
    "data_pipeline.features.opensmile_config": 1,
    "data_pipeline.splits.leakage": 0,
    "data_pipeline.corpora": 0,
    "data_pipeline.errors": 0,
    "data_pipeline.splits.folds": 0,
    "data_pipeline.audio.containers": 0,
    "ser_keras.errors": 0,
}
SHARED_WITH_SER_KERAS = {
    "data_pipeline.audio.reading",
    "data_pipeline.splits.leakage",
    "data_pipeline.corpora.iemocap",
    "data_pipeline.errors",
    "data_pipeline.features.level",
    "data_pipeline.features.mel",
    "data_pipeline.features.mfcc",
}
# The command line that joins the two packages, as train.py does.
JOINS_BOTH = {"ser_keras.commands.classical"}
FILES = sorted(
    path for folder in ("data_pipeline", "ser_keras") for path in (ROOT / folder).rglob("*.py")
) + [ROOT / "train.py"]


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path):
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(module):
    """The floor of a module or of the folder that holds it; None outside the project."""
    for name, number in FLOORS.items():
        if module == name or module.startswith(f"{name}."):
            return number
    return None


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_go_downward(path):
    name = module_name(path)
    if name in ("data_pipeline", "ser_keras"):
        own = 0
    else:
        own = floor(name)
        assert own is not None, f"{name} has no floor: give it one here and in the architecture"
    for module in imported(path):
        target = floor(module)
        assert target is None or target <= own, f"{name} (floor {own}) imports {module} ({target})"
        if name.startswith("data_pipeline"):
            assert not module.startswith("ser_keras")
        crosses = name.startswith("ser_keras") and "data_pipeline" in module
        if crosses and target is not None and name not in JOINS_BOTH:
            assert any(module.startswith(shared) for shared in SHARED_WITH_SER_KERAS), module
        if module.startswith("tensorflow_io"):
            assert name == "data_pipeline.audio.parallel_decoding"
