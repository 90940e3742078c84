"""The ONNX file, run by ONNX Runtime, against the model with NumPy preprocessing."""

import contextlib
import io
import json
import re
import shutil
import sys
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from ser_keras.__main__ import main
from ser_keras.errors import SerError
from ser_keras.export.onnx import check_onnx_place, export_onnx
from ser_keras.models import build_model
from ser_keras.settings import Network, Settings
from ser_keras.training.model_files import save_model

NUM_FRAMES = (30, 26)
SETTINGS = Settings(network=Network(units=8, filters=(4, 4)))


@pytest.fixture(scope="module")
def model():
    """The dual-level network, small: both recurrences and the CNN are in it."""
    return build_model("dual_level", SETTINGS.network, 4, NUM_FRAMES)


@pytest.fixture(scope="module")
def printed(model, tiny_info, tmp_path_factory):
    """(folder of the ONNX file and of the versions, what the command printed)"""
    folder = tmp_path_factory.mktemp("onnx")
    fold = folder / "run" / "fold_0"
    save_model(model, SETTINGS, replace(tiny_info, num_frames=NUM_FRAMES), fold / "model")
    (fold / "result.json").write_text("{}")
    arguments = ["export", fold.parent, "--out", folder / "ser", "--onnx", folder / "model.onnx"]
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())) as output:
        assert main([str(argument) for argument in arguments]) == 0
        output.seek(0)
        return folder, output.read()


@pytest.fixture(scope="module")
def path(printed):
    return printed[0] / "model.onnx"


def test_command_prints_the_parity(printed, path):
    line = printed[1].splitlines()[-1]
    found = re.fullmatch(f"{path}: written; ONNX Runtime differs by (.*) at most", line)
    assert 0 <= float(found[1]) <= 1e-5


def test_onnx_runtime_gives_what_the_model_gives(path, model):
    rng = np.random.default_rng(1)
    mfcc, narrow, wide = rng.normal(0, 5, (21, 39)), rng.random((44, 64)), rng.random((23, 128))
    logits = model(
        {
            "mfcc": mfcc[None],
            "num_mfcc_frames": np.array([21]),
            "mel_narrow": 10 * np.log10(narrow[[i * 44 // 30 for i in range(30)]])[None],
            "mel_wide": 10 * np.log10(wide[[i * 23 // 26 for i in range(26)]])[None],
        }
    )["logits"]
    features = {"mfcc": mfcc, "mel_narrow": narrow, "mel_wide": wide}
    inputs = {name: np.stack([value, value]).astype(np.float32) for name, value in features.items()}
    inputs["mel_wide"][1, 3, 3] = np.nan  # a bad neighbour
    for count, frames in {
        "num_mfcc_frames": 21,
        "num_frames_narrow": 44,
        "num_frames_wide": 23,
    }.items():
        inputs[count] = np.full(2, frames, np.int32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    got, probabilities = session.run(["logits", "probabilities"], inputs)
    np.testing.assert_allclose(got[:1], logits, atol=1e-5)
    np.testing.assert_allclose(probabilities[0], tf.nn.softmax(got[0]), atol=1e-6)
    assert not got[1].any() and not probabilities[1].any()


def test_emotions_are_in_the_file(path, tiny_info):
    session = onnxruntime.InferenceSession(str(path))
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["emotions"]) == list(tiny_info.emotions)


def test_only_a_file_of_an_export_is_replaced(printed, path, tmp_path, capsys):
    again = tmp_path / "again.onnx"
    shutil.copy(path, again)
    check_onnx_place(again)
    check_onnx_place(tmp_path / "new.onnx")
    mine = tmp_path / "thesis.txt"
    mine.write_text("tf2onnx and emotions: mine")
    folder = str(printed[0] / "run")
    for name in ("thesis.txt", "."):
        arguments = ["export", folder, "--out", tmp_path / "ser", "--onnx", tmp_path / name]
        assert main([str(argument) for argument in arguments]) == 1
        assert "is there already and no ONNX file of an export" in capsys.readouterr().err
    assert mine.read_text() == "tf2onnx and emotions: mine"
    assert not (tmp_path / "ser").exists()  # looked at before anything is exported


def test_without_the_packages_it_says_how_to_get_them(tiny_saved_model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(SerError, match=r"not installed \(tf2onnx\); get them with: pip install"):
        export_onnx(tiny_saved_model, tmp_path / "model.onnx")


def test_what_does_not_convert_is_refused_with_the_reason(tiny_info, tmp_path):
    module = tf.Module()
    module.features = tf.function(
        lambda mfcc: dict.fromkeys(
            ("logits", "probabilities"), tf.raw_ops.Betainc(a=mfcc, b=mfcc, x=mfcc)
        ),
        input_signature=[tf.TensorSpec((None, None, 39), tf.float32, name="mfcc")],
    )
    (tmp_path / "info.json").write_text(json.dumps(tiny_info.to_json()))
    module.asset = tf.saved_model.Asset(str(tmp_path / "info.json"))
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"features": module.features})
    with pytest.raises(SerError, match="the model does not convert: .*Betainc"):
        export_onnx(tmp_path / "1", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
