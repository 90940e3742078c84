"""Imports go downward only (docs/architecture.md): every file is parsed."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Higher floors may import lower ones and their own. A folder stands for its files.
FLOORS = {
    "train": 4,
    "data_pipeline.__main__": 3,
    "data_pipeline.describe": 3,
    "data_pipeline.prepare": 3,
    "ser_keras.__main__": 3,
    "ser_keras.classical_command": 3,
    "ser_keras.predict_command": 3,
    "ser_keras.report_command": 3,
    "data_pipeline.datasets": 2,
    "data_pipeline.decode": 2,
    "data_pipeline.extract": 2,
    "data_pipeline.functionals": 2,
    "data_pipeline.progress": 2,
    "data_pipeline.tfrecords": 2,
    "data_pipeline.training_profile": 2,
    "data_pipeline.verify": 2,
    "ser_keras.argument_types": 2,
    "ser_keras.arguments": 2,
    "ser_keras.calibration": 2,
    "ser_keras.callbacks": 2,
    "ser_keras.checkpoint": 2,
    "ser_keras.classical": 2,
    "ser_keras.evaluation": 2,
    "ser_keras.export": 2,
    "ser_keras.export_check": 2,
    "ser_keras.figures": 2,
    "ser_keras.grid": 2,
    "ser_keras.input_warnings": 2,
    "ser_keras.models": 2,
    "ser_keras.onnx_export": 2,
    "ser_keras.predict": 2,
    "ser_keras.progress": 2,
    "ser_keras.report": 2,
    "ser_keras.report_comparisons": 2,
    "ser_keras.report_figures": 2,
    "ser_keras.report_page": 2,
    "ser_keras.report_runs": 2,
    "ser_keras.report_tables": 2,
    "ser_keras.run_files": 2,
    "ser_keras.runs": 2,
    "ser_keras.served_model": 2,
    "ser_keras.server_files": 2,
    "ser_keras.serving": 2,
    "ser_keras.statistics": 2,
    "ser_keras.timeline": 2,
    "ser_keras.timeline_figure": 2,
    "ser_keras.timeline_files": 2,
    "ser_keras.training": 2,
    "ser_keras.trials": 2,
    "ser_keras.verdicts": 2,
    "ser_keras.warmup": 2,
    "ser_keras.wav": 2,
    "ser_keras.layers": 1,
    "ser_keras.metrics": 1,
    "ser_keras.paper_table": 1,
    "ser_keras.presets": 1,
    "data_pipeline.audio": 1,
    "data_pipeline.level": 1,
    "data_pipeline.mel": 1,
    "data_pipeline.mfcc": 1,
    "data_pipeline.opensmile_config": 1,
    "data_pipeline.audit": 0,
    "data_pipeline.corpora": 0,
    "data_pipeline.errors": 0,
    "data_pipeline.folds": 0,
    "data_pipeline.streams": 0,
    "ser_keras.errors": 0,
}
SHARED_WITH_SER_KERAS = {
    "data_pipeline.audio",
    "data_pipeline.audit",
    "data_pipeline.corpora.iemocap",
    "data_pipeline.errors",
    "data_pipeline.level",
    "data_pipeline.mel",
    "data_pipeline.mfcc",
}
# The command line that joins the two packages, as train.py does.
JOINS_BOTH = {"ser_keras.classical_command"}
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
            assert name == "data_pipeline.decode"
