"""The page about a model that lies in its export, for people."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from data_pipeline.contract import PROTOCOLS
from ser_keras.export.terms import terms_of
from ser_keras.model_info import ModelInfo

RESEARCH_ONLY = (
    "It was trained on openSMILE's MFCC. openSMILE is licensed for research: this model may not\n"
    "go into a product. Prepare with `--mfcc tensorflow` and train again to be free of that."
)
FREE = "Its features were computed by this project's own code (MIT)."
WIDTH = 100
# More folds than this are not told apart on the page.
MOST_PARTS = 8


def model_card(info: ModelInfo) -> str:
    """Say in Markdown what a model is, how it was measured, and what it must not be used for.

    Args:
        info: what the model knows of itself.

    Raises:
        KeyError: its protocol has no meaning in `contract.PROTOCOLS`.
    """
    is_research_only = info.features["mfcc"] == "opensmile"
    return f"""\
# {info.variant} on {info.corpus}

Names the emotion of a spoken utterance: {", ".join(info.emotions)}.
Wang et al., "Speech Emotion Recognition with Dual-Sequence LSTM Architecture", ICASSP 2020;
variant `{info.variant}`, preset `{info.preset}`.

## Result, with its protocol

{_result(info)}

## Licence

{RESEARCH_ONLY if is_research_only else FREE}
Its weights are made of recordings, whose terms apply to it, too:

{_terms(info)}

## Limits

- It knows {len(info.emotions)} emotions and always names one of them, for music and noise too.
- Expect less on other microphones, rooms, languages and ages than it learned from, and on speech
  that is not acted where that was.
- It hears one utterance of 25 ms to 60 s, mono, 16 kHz, of one voice; a recording of several
  utterances or voices gets one answer.
- An emotion in a voice is no fact about a person. It is no ground for decisions about people.
"""


def _result(info: ModelInfo) -> str:
    if info.recipe:
        return _result_of_recipe(info, info.recipe)
    meaning = f"Protocol {info.protocol}: {PROTOCOLS[info.protocol]}"
    if info.weighted_accuracy is None or info.unweighted_accuracy is None:
        return _paragraph(
            f"None: its test part (corpus {info.corpus}, protocol {info.protocol}, fold "
            f"{info.fold}) was not scored. Nobody knows yet how often it is right. {meaning}"
        )
    explained = _paragraph(
        "WA (weighted accuracy) is plain accuracy, UA (unweighted accuracy) the mean of the class "
        f"recalls, of this one fold; its epoch was chosen on a validation part. {meaning}"
    )
    return f"""\
| corpus | protocol | test part | WA | UA |
|---|---|---|---|---|
| {info.corpus} | {info.protocol} | fold {info.fold} | \
{info.weighted_accuracy:.1%} | {info.unweighted_accuracy:.1%} |

{explained}"""


def _result_of_recipe(info: ModelInfo, recipe: Mapping[str, Any]) -> str:
    """What the recipe of a model was worth that has heard every voice at hand."""
    meaning = _paragraph(
        f"It was trained on every recording of {info.corpus}, so nobody is left to test it. These "
        "are the figures of its recipe, from models that had not heard those who were tested. "
        f"Protocol {recipe['protocol']}: {PROTOCOLS[recipe['protocol']]} With a profile: each "
        "tested voice told by so many of its other recordings, without labels. Mean of the folds, "
        "and all answers together."
    )
    rows = [("no profile", recipe), *_adapted_rows(recipe)]
    lines = [
        f"| {name} | "
        + " | ".join(
            f"{scores[metric][value]:.1%}"
            for metric in ("weighted_accuracy", "unweighted_accuracy")
            for value in ("mean", "pooled")
        )
        + " |"
        for name, scores in rows
    ]
    head = "| recordings of the voice | WA | pooled WA | UA | pooled UA |\n|---|---|---|---|---|\n"
    tables = [head + "\n".join(lines), _parts(recipe), _groups(recipe), _promise(recipe)]
    return "\n\n".join([meaning, *(table for table in tables if table)])


def _adapted_rows(recipe: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, scores in recipe.get("adapted", {}).items():
        yield f"profile from {number}", scores


def _parts(recipe: Mapping[str, Any]) -> str:
    """What each fold scored, where folds are few."""
    parts = recipe.get("parts", ())
    if not 1 < len(parts) <= MOST_PARTS:
        return ""
    numbers = list(parts[0]["adapted"])
    lines = [
        "| held out | utterances | no profile: WA, UA | "
        + "".join(f"profile from {number} | " for number in numbers).strip(),
        "|---|---|---|" + "---|" * len(numbers),
        *(
            f"| {part['held_out']} | {part['utterances']} | "
            + " | ".join(map(_both, (part, *(part["adapted"][number] for number in numbers))))
            + " |"
            for part in parts
        ),
    ]
    return "\n".join(lines)


def _groups(recipe: Mapping[str, Any]) -> str:
    """What each group scored, without a profile."""
    lines = [
        f"| {column} {name} | {scores['speakers']} | {scores['utterances']} | {_both(scores)} |"
        for column, groups in recipe.get("groups", {}).items()
        for name, scores in groups.items()
    ]
    if not lines:
        return ""
    head = ["| group | speakers | utterances | no profile: WA, UA |", "|---|---|---|---|"]
    return "\n".join([*head, *lines])


def _both(scores: Mapping[str, Any]) -> str:
    return f"{scores['weighted_accuracy']:.1%}, {scores['unweighted_accuracy']:.1%}"


def _terms(info: ModelInfo) -> str:
    """The terms of its corpora, one an item."""
    terms = terms_of(info.trained_on or (info.corpus,))
    return "\n".join(_paragraph(f"- {sentence}", indent="  ") for sentence in terms)


def _promise(recipe: Mapping[str, Any]) -> str:
    """What `unsure` keeps."""
    kinds = recipe.get("strangers", {})
    told = []
    for kind, found in ((kind, kinds[kind]["cross_fitted"]) for kind in kinds):
        share = found["right"] / max(found["answered"], 1)
        told.append(
            f"{kind.replace('_', ' ')}, {found['answered']} of {found['utterances']} answers are "
            f"not called unsure, and {share:.1%} of them are right (90 % lower bound "
            f"{found['lower_bound']:.1%})"
        )
    if not told:
        return ""
    return _paragraph(
        f"Unsure: {'; '.join(told)}. Temperature and threshold of each fold came from the others; "
        "the model carries those of all folds together."
    )


def _paragraph(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
