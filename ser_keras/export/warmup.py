"""Requests that TensorFlow Serving sends to itself when it loads a model.

The first request of each signature is slow (memory is laid out, kernels are chosen); the server
answers these before it says that the model is available.
"""

from pathlib import Path
from typing import Any

import tensorflow as tf

from ser_keras.export.trials import trial_requests
from ser_keras.graph.layout import WARMUP_FILE
from ser_keras.graph.requests import Tensors
from ser_keras.model_info import ModelInfo

HOW_TO_GET_IT = (
    "no warm-up requests: tensorflow-serving-api is not installed; with pip install "
    "'dual-sequence-ser[serving]' the next export has them"
)


def write_warmup(version_dir: Path, info: ModelInfo) -> bool:
    """Write one request a signature, where the protos of `tensorflow-serving-api` are installed.

    Args:
        version_dir: a SavedModel; its loader does not read `assets.extra`.
        info: what the model knows of itself.

    Returns:
        Whether the file was written.
    """
    try:
        # Not prediction_service_pb2 and the like, which fail under protobuf 4.25.
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError:
        return False
    path = version_dir / WARMUP_FILE
    path.parent.mkdir()
    requests = {signature: inputs for signature, inputs, _ in trial_requests(info)}
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            log = prediction_log_pb2.PredictionLog()
            fill_request(log.predict_log.request, signature, inputs)
            writer.write(log.SerializeToString())
    return True


def fill_request(request: Any, signature: str, inputs: Tensors, model_name: str = "ser") -> None:
    """Fill a `predict_pb2.PredictRequest`; in a warm-up the server ignores the model's name."""
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
