"""What can be set: presets of nested settings, the systems of Table 1, and how both are named.

Nothing here needs a library: the command line reads it before anything heavy is imported.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from data_pipeline.command_line import (
    between,
    one_of,
    several,
    true_or_false,
    whole_number,
    zero_or_below,
)

# --- The systems of Table 1 ---

# A variant: its heads, and the weight of each in the averaged logits and in the loss.
VARIANTS = {
    "base_1": {"mfcc": 1.0},
    "base_2": {"narrow": 1.0},
    "base_3": {"wide": 1.0},
    "base_4": {"narrow": 0.5, "wide": 0.5},
    "base_5": {"mfcc": 0.5, "narrow": 0.25, "wide": 0.25},
    "base_6": {"mfcc": 0.5, "narrow": 0.5},
    "ds_lstm": {"ds_lstm": 1.0},
    "dual_level": {"mfcc": 0.5, "ds_lstm": 0.5},
}
GATE_NORMS = ("after_sigmoid", "before_sigmoid")
# Fewer utterances say next to nothing about the mean and variance that a gate is normalised by; of
# one alone, each gate would be its beta, whatever the utterance is (docs/fidelity.md).
MIN_BATCH_SIZE = 8


# --- Groups of settings ---


def _setting(default: Any, read: Callable[[str], Any]) -> Any:
    """A field with its default, and the type that reads it on a command line."""
    return field(default=default, metadata={"read": read})


@dataclass(frozen=True, kw_only=True)
class Network:
    """Settings of the network.

    Attributes:
        kernel_narrow, kernel_wide: (time, mel) kernel of the CNN on the narrow- and the
            wide-window spectrogram.
        padding_narrow, padding_wide: (time, mel) zeros added on each side before a convolution.
        aligned_frames: how many adjacent timesteps are averaged, two apart, to align the narrow
            sequence with the wide one.
        units: size of every recurrent state.
        filters: output channels of the two convolutions of a CNN.
        gate_norm: where the gates of the DS-LSTM are normalised.
        scaled: whether every recording is brought to one level first, as told by its loudest
            frames: for recordings that others made, where the level says nothing of the speaker.
        functionals_weight: share of a linear head over functionals of the streams in the averaged
            logits; 0 for none, else the streams are in standard units of the training voices, or
            of the voice whose profile is given.
        masked: the largest part of the frames, and of the bands, that training hides in each
            stream of an utterance.
        dropout: part of the pooled features of a head that training leaves out.
    """

    kernel_narrow: tuple[int, int] = _setting((4, 4), several(whole_number(1), 2))
    kernel_wide: tuple[int, int] = _setting((4, 4), several(whole_number(1), 2))
    padding_narrow: tuple[int, int] = _setting((0, 0), several(whole_number(0), 2))
    padding_wide: tuple[int, int] = _setting((0, 0), several(whole_number(0), 2))
    aligned_frames: int = _setting(2, whole_number(2, 3))
    units: int = _setting(200, whole_number(1))
    filters: tuple[int, int] = _setting((64, 16), several(whole_number(1), 2))
    gate_norm: str = _setting("after_sigmoid", one_of(GATE_NORMS))
    scaled: bool = _setting(False, true_or_false)
    functionals_weight: float = _setting(0.0, zero_or_below(1))
    masked: float = _setting(0.0, zero_or_below(0.9))
    dropout: float = _setting(0.0, zero_or_below(0.9))


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """Settings of the training.

    Attributes:
        learning_rate: of Adam.
        halve_at: epochs (from 1 on) after which the learning rate is halved.
        cosine: whether the rate goes down to zero along half a cosine over the epochs.
        weight_decay: part of every weight that a step takes away, times the learning rate (AdamW).
        batch_size: utterances in a training batch.
        epochs: epochs of training.
        last_epoch: whether the weights of the last epoch are kept; else those of the epoch that is
            best on the validation part.
        functionals_cost: C of the linear head over functionals, the inverse of its decay.
        voice_penalty: how much less that head is given of a functional that differs between voices.
    """

    learning_rate: float = _setting(1e-4, between(0, 1))
    halve_at: tuple[int, ...] = _setting((), several(whole_number(1)))
    cosine: bool = _setting(False, true_or_false)
    weight_decay: float = _setting(0.0, zero_or_below(1))
    batch_size: int = _setting(128, whole_number(MIN_BATCH_SIZE))
    epochs: int = _setting(50, whole_number(1))
    last_epoch: bool = _setting(False, true_or_false)
    functionals_cost: float = _setting(4e-3, between(0, 1000))
    voice_penalty: float = _setting(10.0, zero_or_below(1000))


@dataclass(frozen=True, kw_only=True)
class Input:
    """Settings of what is trained on.

    Attributes:
        balance: whether every emotion of every corpus is heard equally often in training.
        validation_trains: whether the validation part is trained on, too, as the SVM does; then
            nothing can be chosen on it (`optimiser.last_epoch`), and its figures say nothing.
        speeds: of the copies that the linear head is fitted on, too, as of other voices
            (`--copies`).
        profiles: whether training hears each utterance in the units of its voice, too, as told by
            none to twenty other recordings of it; else in those of all training voices alone.
    """

    balance: bool = _setting(False, true_or_false)
    validation_trains: bool = _setting(False, true_or_false)
    speeds: tuple[float, ...] = _setting((), several(between(0.5, 2)))
    profiles: bool = _setting(False, true_or_false)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a network, in groups.

    In files they stand side by side, without their group: no name is in two groups.
    """

    input: Input = Input()
    network: Network = Network()
    optimiser: Optimiser = Optimiser()

    @classmethod
    def from_json(cls, content: Mapping) -> "Settings":
        """The settings of a file; what was not known when it was written has its default now.

        Raises:
            KeyError: the file has a setting that is not known here.
        """
        group_of = {name.split(".")[1]: name for name in cls().by_name()}
        # JSON turns tuples into lists.
        values = {n: tuple(v) if isinstance(v, list) else v for n, v in content.items()}
        return cls().with_values({group_of[name]: value for name, value in values.items()})

    def to_json(self) -> dict[str, Any]:
        """The settings side by side, by their names alone."""
        return {name.split(".")[1]: value for name, value in self.by_name().items()}

    def by_name(self) -> dict[str, Any]:
        """Every setting by its whole name: "optimiser.learning_rate"."""
        return {
            f"{group}.{name}": value
            for group, settings in asdict(self).items()
            for name, value in settings.items()
        }

    def with_values(self, values: Mapping[str, Any]) -> "Settings":
        """These settings with other values, by their whole names.

        Raises:
            KeyError: there is no such setting.
        """
        groups = {group.name: getattr(self, group.name) for group in fields(self)}
        for whole_name, value in values.items():
            group, name = whole_name.split(".")
            groups[group] = replace(groups[group], **{name: value})
        return replace(self, **groups)


@dataclass(frozen=True, kw_only=True)
class SvmSettings:
    """Settings of the classical opponent, a linear SVM.

    Attributes:
        kernel: of the SVM.
        cost: C.
        class_weight: how errors of the emotions are weighted.
        normalised_by: whose mean and deviation standardise the functionals: those of the
            utterances that are trained on ("train"), or of the corpus that an utterance is from
            ("corpus"), the tested ones included, without their labels.
    """

    kernel: str = "linear"
    cost: float
    class_weight: str = "balanced"
    normalised_by: str = "train"

    @classmethod
    def from_json(cls, content: Mapping) -> "SvmSettings":
        """The settings of a file."""
        return cls(**content)

    def to_json(self) -> dict[str, Any]:
        """The settings by name."""
        return asdict(self)


NORMALISED_BY = ("train", "corpus")
# Cost of the SVM by feature set: small where there are far more features than utterances.
SVM_COSTS = {"ComParE_2016": 0.01, "eGeMAPSv02": 0.1}


# --- Presets ---

CLASSICAL = "classical"  # what a run of the SVM has for a preset
PRESETS = {
    "paper": Settings(),
    "authors": Settings(
        network=Network(
            kernel_narrow=(2, 4),
            kernel_wide=(4, 2),
            padding_narrow=(0, 1),
            padding_wide=(1, 0),
            aligned_frames=3,
        ),
        optimiser=Optimiser(learning_rate=1e-3, halve_at=(10, 20, 30)),
    ),
    # 240 synthetic utterances and a few minutes: enough to see everything work, for no comparison.
    "recommended": Settings(
        input=Input(profiles=True, validation_trains=True),
        network=Network(
            kernel_narrow=(2, 4),
            kernel_wide=(4, 2),
            padding_narrow=(0, 1),
            padding_wide=(1, 0),
            aligned_frames=3,
            units=64,
            filters=(16, 16),
            gate_norm="before_sigmoid",
            functionals_weight=0.8,
            masked=0.1,
            dropout=0.3,
        ),
        optimiser=Optimiser(
            learning_rate=1e-3,
            cosine=True,
            weight_decay=0.01,
            batch_size=32,
            epochs=10,
            last_epoch=True,
            voice_penalty=30.0,
        ),
    ),
    "demo": Settings(
        network=Network(units=128, filters=(16, 16)),
        optimiser=Optimiser(learning_rate=1e-3, halve_at=(14,), batch_size=16, epochs=16),
    ),
}


# --- A setting on the command line: name=value ---


def reader_of(name: str) -> Callable[[str], Any]:
    """The type that reads a setting on a command line.

    Args:
        name: whole name, such as "optimiser.learning_rate".

    Raises:
        KeyError: there is no such setting.
    """
    return dict(_readers())[name]


def _readers() -> Iterator[tuple[str, Callable[[str], Any]]]:
    for group in fields(Settings):
        for setting in fields(getattr(Settings(), group.name)):
            yield f"{group.name}.{setting.name}", setting.metadata["read"]


def listed_settings() -> str:
    """Every setting with the value of the paper, for people: "network.units=200, ..."."""
    return ", ".join(f"{n}={as_text(v)}" for n, v in Settings().by_name().items())


def as_text(value: Any) -> str:
    """A value as it is written on the command line and in names: "32,16", "0.0003"."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def differing(settings: Settings, preset: str) -> dict[str, Any]:
    """The settings that are not the preset's, by their names alone, in the order of the groups."""
    usual = PRESETS[preset].to_json()
    return {name: value for name, value in settings.to_json().items() if usual[name] != value}


def gateless(variants: Iterable[str]) -> list[str]:
    """Those of the variants that have no DS-LSTM, so no gates to normalise."""
    return [name for name in variants if "ds_lstm" not in VARIANTS[name]]
