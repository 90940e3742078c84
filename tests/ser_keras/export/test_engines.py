"""Golden requests: the same recordings to every engine that can run the export.

What the answers should be is computed by openSMILE, librosa and the Keras model, apart from the
graph. TensorFlow Serving itself is asked where `tensorflow_model_server` is on the PATH.
"""

import base64
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import librosa
import numpy as np
import pytest
import tensorflow as tf
from bad_audio import STEREO, voice, wav
from c_api import ask_in_process_of_its_own, read_signatures

from data_pipeline.features.mfcc import opensmile_mfcc
from ser_keras.export.warmup import fill_request
from ser_keras.graph.requests import padded_features
from ser_keras.graph.signatures import emotion_server

# OpenVINO and TensorFlow do not start in one process.
OPENVINO = """
import pickle, sys
import openvino
folder, inputs, input_names, output_names = pickle.load(sys.stdin.buffer)
model = openvino.convert_model(folder, input=input_names, output=output_names)
compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
pickle.dump([compiled(inputs)[output] for output in compiled.outputs], sys.stdout.buffer)
"""


def as_decoded(samples):
    """float32 samples as a 16-bit file holds them."""
    integers = np.clip(np.round(np.asarray(samples) * 32768), None, 32767)
    return integers.astype(np.float32) / 32768


@pytest.fixture(scope="module")
def recordings():
    rng = np.random.default_rng(4)
    noise = np.clip(rng.normal(0, 0.2, 20011), -1, 1)
    return [as_decoded(samples) for samples in (voice(0.8), noise, voice(0.3, pitch_hz=250))]


def mel_power(waveform, n_fft):
    power = librosa.feature.melspectrogram(
        y=waveform, sr=16000, n_fft=n_fft, hop_length=n_fft // 2, n_mels=n_fft // 4
    )
    return power.T


@pytest.fixture(scope="module")
def features(recordings):
    """The inputs of the signature `features`, by openSMILE and librosa."""
    return padded_features(
        [
            {
                "mfcc": opensmile_mfcc(samples),
                "mel_narrow": mel_power(samples, 256),
                "mel_wide": mel_power(samples, 512),
            }
            for samples in recordings
        ]
    )


@pytest.fixture(scope="module")
def golden(recordings, features, tiny_model):
    """The three requests, and the logits that all of them should get."""
    lengths = np.array([len(samples) for samples in recordings], np.int32)
    waveform = np.zeros((len(recordings), lengths.max()), np.float32)
    for row, samples in zip(waveform, recordings, strict=True):
        row[: len(samples)] = samples
    requests = [
        ("audio_bytes", {"audio_bytes": [wav(samples) for samples in recordings]}),
        ("waveform", {"waveform": waveform, "num_samples": lengths}),
        ("features", {name: value.numpy() for name, value in features.items()}),
    ]
    inputs = {name: features[name] for name in ("mfcc", "num_mfcc_frames")}
    for name, steps in (("mel_narrow", 12), ("mel_wide", 7)):
        counts = features[f"num_frames_{name[4:]}"].numpy()
        mels = features[name].numpy()
        rows = [
            [mel[i * n // steps] for i in range(steps)] for mel, n in zip(mels, counts, strict=True)
        ]
        inputs[name] = tf.constant(10 * np.log10(np.maximum(rows, 1e-10)))
    return requests, np.asarray(tiny_model(inputs, training=False)["logits"])


def check(answer, logits, emotions):
    """Within what 1e-3 of a cepstrum makes of the logits."""
    np.testing.assert_allclose(answer["logits"], logits, rtol=0, atol=2e-3)
    assert [_text(emotion) for emotion in answer["emotion"]] == [
        emotions[best] for best in np.argmax(logits, axis=1)
    ]
    assert not any(answer["error"])


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def test_the_librarys_c_api_gives_what_opensmile_librosa_and_the_model_give(
    tiny_saved_model, tiny_info, golden
):
    requests, logits = golden
    for answer in ask_in_process_of_its_own(tiny_saved_model, requests):
        check(answer, logits, tiny_info.emotions)


def test_stereo_file_gets_the_answer_of_the_mean_of_its_channels(tiny_saved_model):
    loaded = tf.saved_model.load(str(tiny_saved_model))
    stereo = loaded.signatures["audio_bytes"](audio_bytes=tf.constant([wav(STEREO, channels=2)]))
    mean = as_decoded(STEREO).mean(axis=1)
    mono = loaded.signatures["waveform"](
        waveform=tf.constant(mean[None]), num_samples=tf.constant([len(mean)])
    )
    np.testing.assert_allclose(stereo["logits"], mono["logits"], atol=1e-5)


def test_openvino_gives_the_same_for_features(tiny_model, tiny_info, golden, tmp_path):
    requests, logits = golden
    inputs = requests[2][1]
    (tmp_path / "assets").mkdir()
    server = emotion_server(tiny_model, tiny_info, tmp_path / "assets")
    folder = tmp_path / "features"
    tf.saved_model.save(server, str(folder), signatures={"serving_default": server.features})
    names = read_signatures(folder / "saved_model.pb")["serving_default"]
    asked = (
        str(folder),
        [inputs[name] for name in names["inputs"]],
        [info["name"] for info in names["inputs"].values()],
        [names["outputs"][name]["name"] for name in ("logits", "probabilities")],
    )
    command = [sys.executable, "-I", "-c", OPENVINO]
    done = subprocess.run(
        command,
        input=pickle.dumps(asked),
        capture_output=True,
        timeout=300,
        env=os.environ | {"CI": "true"},  # else it reports its use, and waits for the network
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    got, probabilities = pickle.loads(done.stdout)
    np.testing.assert_allclose(got, logits, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(probabilities, tf.nn.softmax(logits), atol=1e-4)


# --- TensorFlow Serving itself ---


@pytest.fixture(scope="module")
def model_server(tiny_saved_model):
    """(gRPC port, REST port) of a server of the tiny model."""
    if shutil.which("tensorflow_model_server") is None:
        pytest.skip("tensorflow_model_server is not on the PATH: the server itself was not asked")
    grpc_port, rest_port = _free_port(), _free_port()
    command = [
        "tensorflow_model_server",
        f"--port={grpc_port}",
        f"--rest_api_port={rest_port}",
        "--model_name=tiny",
        f"--model_base_path={tiny_saved_model.parent}",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_available(f"http://localhost:{rest_port}/v1/models/tiny")
        yield grpc_port, rest_port
    finally:
        process.terminate()
        process.wait()


def _free_port():
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


def _wait_until_available(url):
    for _ in range(120):
        try:
            with urllib.request.urlopen(url) as reply:
                if b"AVAILABLE" in reply.read():
                    return
        except OSError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"{url}: not available after a minute")


def _for_json(value):
    if isinstance(value, list):
        return [{"b64": base64.b64encode(item).decode()} for item in value]
    return value.tolist()


def test_server_answers_over_rest(model_server, tiny_info, golden):
    requests, logits = golden
    for signature, inputs in requests:
        body = {"signature_name": signature, "inputs": {k: _for_json(v) for k, v in inputs.items()}}
        url = f"http://localhost:{model_server[1]}/v1/models/tiny:predict"
        with urllib.request.urlopen(url, data=json.dumps(body).encode()) as reply:
            check(json.load(reply)["outputs"], logits, tiny_info.emotions)


def test_server_answers_over_grpc(model_server, tiny_info, golden):
    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    requests, logits = golden
    with grpc.insecure_channel(f"localhost:{model_server[0]}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for signature, inputs in requests:
            request = predict_pb2.PredictRequest()
            fill_request(request, signature, inputs, "tiny")
            outputs = stub.Predict(request, timeout=30).outputs
            answer = {name: tf.make_ndarray(value) for name, value in outputs.items()}
            check(answer, logits, tiny_info.emotions)
