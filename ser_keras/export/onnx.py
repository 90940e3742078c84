"""The signature `features` of a SavedModel as an ONNX file, for engines that are not TensorFlow.

The other signatures stay behind: ONNX has no strings to parse a WAV file with, and its Fourier
transform takes no double precision.
"""

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from data_pipeline.files import replace_file
from ser_keras.errors import SerError
from ser_keras.export.place import may_write
from ser_keras.export.trials import trial_requests
from ser_keras.graph.layout import FEATURES, UNDIVIDED, read_info
from ser_keras.graph.plain_path import plain_path
from ser_keras.model_info import ModelInfo

OUTPUTS = ("probabilities", "logits")  # the strings stay behind; emotions are in the metadata
EMOTIONS = "emotions"  # the name of the metadata
# Where a file says who made it, and what its emotions are.
HEAD_BYTES, TAIL_BYTES = 256, 65536
OPSET = 17
TOLERANCE = 1e-5


def export_onnx(version_dir: Path, path: Path) -> float:
    """Convert the signature `features` and compare the answers of ONNX Runtime with TensorFlow's.

    An example without an answer has zeros for its probabilities, as in the SavedModel. The file's
    metadata has "emotions", a JSON list in the order of the probabilities.

    Args:
        version_dir: a SavedModel of `export_saved_model`.
        path: the ONNX file; written only when the answers are equal.

    Returns:
        The largest difference of a probability or logit over silence and noise of many lengths.

    Raises:
        SerError: the extra `onnx` is not installed, the model does not convert, its answers
            differ by more than TOLERANCE, or the file cannot be written.
    """
    check_onnx_place(path)
    libraries = _libraries()
    with plain_path(version_dir) as plain:
        served = tf.saved_model.load(str(plain))
    info = read_info(version_dir)
    # Exports of before have no branch in the signature itself.
    signature = getattr(served, UNDIVIDED, None) or served.signatures[FEATURES]
    try:
        converted, session = _converted(signature, info.emotions, *libraries)
    except Exception as error:  # both libraries raise whatever they stumble over
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SerError(f"{path}: not written: the model does not convert: {reason}") from error
    difference = _largest_difference(session, signature, info)
    if not difference <= TOLERANCE:
        raise SerError(
            f"{path}: not written: ONNX Runtime differs from TensorFlow by {difference:.1e}, "
            f"expected at most {TOLERANCE:g}"
        )
    try:
        replace_file(path, converted)
    except OSError as error:
        raise SerError(f"{path}: cannot be written ({error.strerror}); check --onnx") from None
    return difference


def check_onnx_place(path: Path) -> None:
    """Refuse a name that no ONNX file of ours may be written to; look before an export.

    Raises:
        SerError: a folder or another file is there, or its folder is closed.
    """
    _libraries()
    folder = Path(os.path.abspath(path)).parent
    if os.path.isdir(folder) and not may_write(folder):  # an export may make it first
        raise SerError(f"{path}: {folder} may not be written to; check --onnx")
    if os.path.lexists(path) and not _is_ours(path):
        raise SerError(
            f"{path}: is there already and no ONNX file of an export, expected a new name or one "
            "that --onnx wrote: choose another --onnx"
        )


def _is_ours(path: Path) -> bool:
    """Whether `export_onnx` wrote a file."""
    try:
        if not path.is_file():
            return False
        content = path.read_bytes()
    except OSError as error:
        raise SerError(f"{path}: cannot be read ({error.strerror}); check --onnx") from None
    # Its first field is a number; the producer stands near, the metadata at the end.
    is_onnx = content[:1] == b"\x08" and b"tf2onnx" in content[:HEAD_BYTES]
    return is_onnx and EMOTIONS.encode() in content[-TAIL_BYTES:]


def _converted(
    signature: tf.types.experimental.ConcreteFunction,
    emotions: tuple[str, ...],
    tf2onnx: ModuleType,
    onnxruntime: ModuleType,
) -> tuple[bytes, Any]:
    """Convert a signature: (the ONNX file, a session of ONNX Runtime that runs it)."""
    specs = signature.structured_input_signature[1]

    def scores(*inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = signature(**dict(zip(specs, inputs, strict=True)))
        # tf2onnx masks bad examples by a product, and NaN times 0 is NaN; this one is exact.
        return {n: tf.where(tf.math.is_nan(outputs[n]), 0.0, outputs[n]) for n in OUTPUTS}

    model, _ = tf2onnx.convert.from_function(
        tf.function(scores, autograph=False),
        list(specs.values()),
        opset=OPSET,
        custom_op_handlers={"BlockLSTM": (_lstm, [])},
    )
    model.metadata_props.add(key=EMOTIONS, value=json.dumps(emotions))
    converted = model.SerializeToString()
    return converted, onnxruntime.InferenceSession(converted, providers=["CPUExecutionProvider"])


def _lstm(graph: Any, node: Any, name: str, _: list) -> None:
    """TensorFlow's BlockLSTM, from zeros, as the operation LSTM of ONNX: tf2onnx knows none.

    The weights of the first are (features + units, 4 * units), by input, memory, forget and
    output; of the second (1, 4 * units, features) and (1, 4 * units, units), by input, output,
    forget and memory.
    """
    sequence, weights, bias = (node.input[number] for number in (1, 4, 8))
    i, c, f, o = np.split(graph.get_node_by_output(weights).get_tensor_value(as_list=False), 4, 1)
    b_i, b_c, b_f, b_o = np.split(graph.get_node_by_output(bias).get_tensor_value(as_list=False), 4)
    kernels = np.concatenate([i, o, f, c], axis=1).T
    units = len(kernels) // 4
    biases = np.concatenate([b_i, b_o, b_f, b_c, np.zeros(4 * units, np.float32)])
    constants = {"kernel": kernels[:, :-units], "recurrent": kernels[:, -units:], "bias": biases}
    inputs = [graph.make_const(f"{name}_{n}", value[None]).name for n, value in constants.items()]
    h = node.output[6]
    graph.remove_node(name)
    # (steps, 1, batch, units) -> (steps, batch, units)
    run = graph.make_node("LSTM", [sequence, *inputs], attr={"hidden_size": units}, output_count=3)
    axis = graph.make_const(f"{name}_axis", np.array([1], np.int64)).name
    graph.make_node("Squeeze", [run.output[0], axis], outputs=[h])


def _largest_difference(
    session: Any, signature: tf.types.experimental.ConcreteFunction, info: ModelInfo
) -> float:
    differences = []
    for name, inputs, _ in trial_requests(info):
        if name == FEATURES:
            arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
            expected = signature(**inputs)
            for output, value in zip(OUTPUTS, session.run(OUTPUTS, arrays), strict=True):
                differences.append(np.abs(value - expected[output]).max())
    return float(np.max(differences))


def _libraries() -> tuple[ModuleType, ModuleType]:
    """Import tf2onnx and onnxruntime, which are an extra."""
    try:
        import onnxruntime
        import tf2onnx
    except ImportError as error:
        raise SerError(
            f"--onnx needs packages that are not installed ({error.name}); "
            "get them with: pip install 'dual-sequence-ser[onnx]'"
        ) from None
    return tf2onnx, onnxruntime
