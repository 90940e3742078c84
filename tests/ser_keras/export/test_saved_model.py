"""The exported graph, against the model with NumPy preprocessing, and in a process of its own."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from c_api import ask_in_process_of_its_own
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from ser_keras.errors import SerError
from ser_keras.export.check import check_saved_model
from ser_keras.export.saved_model import export_saved_model
from ser_keras.model_info import ModelInfo

COUNTS = {
    "mfcc": "num_mfcc_frames",
    "mel_narrow": "num_frames_narrow",
    "mel_wide": "num_frames_wide",
}


def example(rng, num_frames):
    """Features of one utterance, raw: MFCC and power that spans 80 dB."""
    mfcc, narrow, wide = num_frames
    return {
        "mfcc": rng.normal(0, 5, (mfcc, 39)).astype(np.float32),
        "mel_narrow": (10 ** rng.uniform(-9, -1, (narrow, 64))).astype(np.float32),
        "mel_wide": (10 ** rng.uniform(-9, -1, (wide, 128))).astype(np.float32),
    }


def padded(examples):
    """The signature's inputs: zero-padded features and their frame counts."""
    batch = {}
    for name, count in COUNTS.items():
        arrays = [one[name] for one in examples]
        longest = max(map(len, arrays))
        batch[name] = np.stack([np.pad(a, ((0, longest - len(a)), (0, 0))) for a in arrays])
        batch[count] = np.array([len(a) for a in arrays], np.int32)
    return batch


def expected_logits(model, one, num_frames=(12, 7)):
    """The model's logits of one utterance, preprocessed by the definitions in the paper."""
    inputs = {"mfcc": one["mfcc"], "num_mfcc_frames": np.int32(len(one["mfcc"]))}
    for name, steps in zip(("mel_narrow", "mel_wide"), num_frames, strict=True):
        rows = [one[name][int(i * len(one[name]) / steps)] for i in range(steps)]
        inputs[name] = 10 * np.log10(np.maximum(rows, 1e-10))
    batch = {name: tf.constant(value)[tf.newaxis] for name, value in inputs.items()}
    return np.asarray(model(batch, training=False)["logits"])[0]


def serve(loaded, batch, signature="features"):
    outputs = loaded.signatures[signature](**{k: tf.constant(v) for k, v in batch.items()})
    return {name: value.numpy() for name, value in outputs.items()}


@pytest.fixture(scope="module")
def loaded(tiny_saved_model):
    return tf.saved_model.load(str(tiny_saved_model))


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(3)
    return [example(rng, lengths) for lengths in [(30, 25, 13), (9, 12, 7), (41, 5, 3), (1, 1, 1)]]


def test_tensorflow_without_python_gives_the_models_answers(
    tiny_saved_model, tiny_model, tiny_info, examples
):
    [answers] = ask_in_process_of_its_own(tiny_saved_model, [("features", padded(examples))])
    logits = np.stack([expected_logits(tiny_model, one) for one in examples])
    exponentials = np.exp(logits)

    np.testing.assert_allclose(answers["logits"], logits, atol=1e-5)
    np.testing.assert_allclose(
        answers["probabilities"], exponentials / exponentials.sum(1, keepdims=True), atol=1e-5
    )
    named = [tiny_info.emotions[i] for i in logits.argmax(1)]
    assert [name.decode() for name in answers["emotion"]] == named
    assert answers["error"] == [b""] * len(examples)


def test_signatures_name_types_and_shapes(loaded):
    inputs, outputs = {}, []
    for name, function in loaded.signatures.items():
        specs = function.structured_input_signature[1]
        inputs[name] = {k: [v.dtype.name, v.shape.as_list()] for k, v in specs.items()}
        made = function.structured_outputs
        outputs.append({k: [v.dtype.name, v.shape.as_list()] for k, v in made.items()})
    assert inputs == {
        "serving_default": {"audio_bytes": ["string", [None]]},
        "audio_bytes": {"audio_bytes": ["string", [None]]},
        "waveform": {"waveform": ["float32", [None, None]], "num_samples": ["int32", [None]]},
        "features": {
            "mfcc": ["float32", [None, None, 39]],
            "num_mfcc_frames": ["int32", [None]],
            "mel_narrow": ["float32", [None, None, 64]],
            "num_frames_narrow": ["int32", [None]],
            "mel_wide": ["float32", [None, None, 128]],
            "num_frames_wide": ["int32", [None]],
        },
    }
    for made in outputs:
        assert made == {
            "probabilities": ["float32", [None, 4]],
            "logits": ["float32", [None, 4]],
            "emotion": ["string", [None]],
            "error": ["string", [None]],
        }


def test_graphs_hold_core_operations_only_and_assign_nothing(tiny_saved_model):
    saved_model = SavedModel.FromString((tiny_saved_model / "saved_model.pb").read_bytes())
    graph = saved_model.meta_graphs[0].graph_def
    served = [
        function.node_def
        for function in graph.library.function
        if "restore" not in function.signature.name and "save" not in function.signature.name
    ]
    operations = {node.op for nodes in served for node in nodes}
    assert {"ReadVariableOp", "RFFT", "DecodePaddedRaw"} <= operations  # it reaches all signatures
    assert [name for name in operations if "PyFunc" in name] == []
    assert [name for name in operations if ">" in name] == []  # add-ons: "IO>DecodeWav"
    assert [name for name in operations if "Assign" in name] == []


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("fault", [np.nan, np.inf, "no frames", "too many frames"])
def test_bad_example_is_unanswered_and_leaves_its_neighbours_alone(loaded, examples, name, fault):
    batch = padded(examples)
    good = serve(loaded, batch)
    if fault == "no frames":
        batch[COUNTS[name]][1] = 0
    elif fault == "too many frames":
        batch[COUNTS[name]][1] = batch[name].shape[1] + 1
    else:
        batch[name][1, 0, 0] = fault
    answers = serve(loaded, batch)

    assert answers["emotion"][1] == b""
    assert not answers["probabilities"][1].any()
    assert not answers["logits"][1].any()
    others = [0, 2, 3]
    for output, value in good.items():
        np.testing.assert_array_equal(answers[output][others], value[others])


@pytest.mark.parametrize("signature", ["serving_default", "audio_bytes", "waveform", "features"])
@pytest.mark.parametrize("length", [0, 50])
def test_an_empty_batch_has_empty_answers(loaded, tiny_info, signature, length):
    specs = loaded.signatures[signature].structured_input_signature[1]
    empty = {
        name: np.zeros((0, *(size or length for size in spec.shape[1:])), spec.dtype.as_numpy_dtype)
        for name, spec in specs.items()
    }
    answers = serve(loaded, empty, signature)
    assert answers["probabilities"].shape == answers["logits"].shape == (0, 4)
    assert answers["emotion"].shape == answers["error"].shape == (0,)


def test_model_that_scores_nan_names_no_emotion(tiny_model, tiny_info, examples, tmp_path):
    broken = keras.models.clone_model(tiny_model)
    broken.set_weights([np.full_like(array, np.nan) for array in tiny_model.get_weights()])
    with pytest.raises(SerError, match="differs from the model by nan"):
        export_saved_model(broken, tiny_info, tmp_path / "ser")
    assert list((tmp_path / "ser").iterdir()) == []  # nothing for a server to find


@pytest.mark.parametrize("inputs", [["mfcc", "num_mfcc_frames"], ["mel_wide"]])
def test_only_the_inputs_of_the_variant_are_asked_for(
    tiny_model_of, tiny_info, examples, tmp_path, inputs
):
    model = tiny_model_of(inputs)
    version_dir = export_saved_model(
        model, replace(tiny_info, inputs=tuple(inputs)), tmp_path / "ser"
    )
    batch = padded(examples)
    count = COUNTS[inputs[0]]
    loaded = tf.saved_model.load(str(version_dir))
    answers = serve(loaded, {inputs[0]: batch[inputs[0]], count: batch[count]})
    assert answers["probabilities"].shape == (4, 4)
    np.testing.assert_allclose(answers["probabilities"].sum(1), 1, atol=1e-6)


def test_versions_count_on_and_other_names_are_passed_by(tiny_model, tiny_info, tmp_path):
    for name in ("7", "notes", "9.old"):
        (tmp_path / name).mkdir()
    assert export_saved_model(tiny_model, tiny_info, tmp_path).name == "8"
    versions = [path.name for path in tmp_path.iterdir() if path.is_dir()]
    assert sorted(versions) == ["7", "8", "9.old", "notes"]


def test_folder_can_be_read_by_a_server_of_another_user(tiny_saved_model):
    assert tiny_saved_model.stat().st_mode & 0o055 == 0o055


def test_labels_and_settings_are_inside(tiny_saved_model, tiny_info):
    labels = (tiny_saved_model / "assets" / "labels.txt").read_text(encoding="utf-8")
    info = (tiny_saved_model / "assets" / "info.json").read_text(encoding="utf-8")
    assert labels.splitlines() == list(tiny_info.emotions)
    assert ModelInfo.from_json(json.loads(info)) == tiny_info
    assert list(json.loads(info)) == list(tiny_info.to_json())
    assert (tiny_saved_model / "assets" / "model_card.md").is_file()


def test_check_measures_the_difference_and_refuses_another_model(
    tiny_saved_model, tiny_model, tiny_info
):
    assert check_saved_model(tiny_saved_model, tiny_model, tiny_info) < 1e-5
    other = keras.models.clone_model(tiny_model)
    other.set_weights([array + 1e-3 for array in tiny_model.get_weights()])
    with pytest.raises(SerError, match="differs from the model by .* expected at most 1e-05"):
        check_saved_model(tiny_saved_model, other, tiny_info)


def test_directory_that_is_a_file_is_one_clear_line(tiny_model, tiny_info, tmp_path):
    (tmp_path / "ser").write_text("not a folder")
    with pytest.raises(SerError, match=r"ser: cannot write a SavedModel there") as caught:
        export_saved_model(tiny_model, tiny_info, tmp_path / "ser")
    assert "\n" not in str(caught.value)
