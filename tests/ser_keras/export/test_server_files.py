"""What a server and people find in an export: read by the server's own protos and by sha256sum."""

import subprocess
import sys

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

from ser_keras.export.server_files import CONFIG_FILES, write_server_files
from ser_keras.export.warmup import write_warmup
from ser_keras.graph.layout import WARMUP_FILE


def test_warmup_asks_every_signature_and_gets_emotions(tiny_saved_model):
    loaded = tf.saved_model.load(str(tiny_saved_model))
    asked = []
    for record in tf.data.TFRecordDataset(str(tiny_saved_model / WARMUP_FILE)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        answer = loaded.signatures[request.model_spec.signature_name](**tensors)
        assert not any(answer["error"].numpy()) and all(answer["emotion"].numpy())
        asked.append(request.model_spec.signature_name)
    assert sorted(asked) == ["audio_bytes", "features", "waveform"]


def test_without_the_protos_there_is_no_warmup_and_all_else_works(tiny_info, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    assert write_warmup(tmp_path, tiny_info) is False
    assert list(tmp_path.iterdir()) == []


def test_checksums_name_every_file(tiny_saved_model):
    command = ["sha256sum", "--check", "--strict", "checksums.sha256"]
    done = subprocess.run(command, cwd=tiny_saved_model, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    files = [path for path in tiny_saved_model.rglob("*") if path.is_file()]
    assert len(done.stdout.splitlines()) == len(files) - 1
    assert f"{WARMUP_FILE}: OK" in done.stdout.splitlines()


def test_settings_lie_beside_the_versions_and_are_the_servers(tiny_saved_model):
    folder = tiny_saved_model.parent
    text = (folder / "models.config").read_text()
    parsed = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    [config] = parsed.model_config_list.config
    assert (config.name, config.base_path) == ("tiny", "/models/tiny")
    assert (folder / "batching_parameters.txt").is_file()
    assert (folder / "monitoring.config").is_file()


def test_settings_that_somebody_changed_are_kept(tmp_path):
    (tmp_path / "models.config").write_text("mine")
    write_server_files(tmp_path)
    assert (tmp_path / "models.config").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == set(CONFIG_FILES)
