"""The page about a model: its figures never stand without their protocol."""

from dataclasses import replace

import pytest

from data_pipeline.contract import PROTOCOLS
from ser_keras.export.model_card import model_card


def words(text):
    """Text whatever its line ends."""
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("extractor", "sentence"),
    [("opensmile", "may not go into a product"), ("tensorflow", "own code (MIT)")],
)
def test_card_has_the_result_its_protocol_and_the_licence(tiny_info, extractor, sentence):
    info = replace(tiny_info, features={**tiny_info.features, "mfcc": extractor})
    card = words(model_card(info))
    assert "| made up | speaker | fold 0 | 50.0% | 50.0% |" in card
    assert sentence in card
    assert all(emotion in card for emotion in tiny_info.emotions)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_card_says_what_the_protocol_means(tiny_info, protocol):
    card = words(model_card(replace(tiny_info, protocol=protocol)))
    assert PROTOCOLS[protocol] in card
    assert all(meaning not in card for name, meaning in PROTOCOLS.items() if name != protocol)


def test_a_protocol_without_a_meaning_is_not_published(tiny_info):
    with pytest.raises(KeyError, match="by weather"):
        model_card(replace(tiny_info, protocol="by weather"))


def test_card_of_a_model_that_was_not_tested_says_so(tiny_info):
    untested = replace(tiny_info, weighted_accuracy=None, unweighted_accuracy=None)
    card = words(model_card(untested))
    assert "its test part (corpus made up, protocol speaker, fold 0) was not scored" in card
    assert PROTOCOLS["speaker"] in card
    assert "%" not in card and "None," not in card


def test_card_of_a_model_that_heard_everybody_tells_folds_groups_and_terms_apart(tiny_info):
    scores = {
        "weighted_accuracy": {"mean": 0.5, "pooled": 0.55},
        "unweighted_accuracy": {"mean": 0.6, "pooled": 0.65},
    }
    plain = {"weighted_accuracy": 0.41, "unweighted_accuracy": 0.42}
    told = {"20": {"weighted_accuracy": 0.71, "unweighted_accuracy": 0.72}}
    recipe = {
        "protocol": "corpus",
        **scores,
        "adapted": {"20": scores},
        "parts": [
            {"held_out": f"corpus {name}", "utterances": 7, **plain, "adapted": told}
            for name in ("a", "b")
        ],
        "groups": {"sex": {"female": {"utterances": 9, "speakers": 3, **plain}}},
    }
    info = replace(tiny_info, recipe=recipe, trained_on=("nemo", "my own"))
    card = model_card(info)
    assert "| corpus a | 7 | 41.0%, 42.0% | 71.0%, 72.0% |" in card
    assert "| sex female | 3 | 9 | 41.0%, 42.0% |" in card
    assert "nEMO: CC BY-NC-SA 4.0" in words(card)
    assert "my own: its licence applies" in words(card)
    assert PROTOCOLS["corpus"] in words(card)
