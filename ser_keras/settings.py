"""Named sets of settings: what the paper prints, what its authors ran, and the demo's."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Settings of the network and of its training.

    Attributes:
        kernel_narrow, kernel_wide: (time, mel) kernel of the CNN on the narrow- and the
            wide-window spectrogram.
        padding_narrow, padding_wide: (time, mel) zeros added on each side before a convolution.
        aligned_frames: How many adjacent timesteps are averaged, two apart, to align the narrow
            sequence with the wide one.
        units: Size of every recurrent state.
        filters: Output channels of the two convolutions of a CNN.
        gate_norm: Where the gates of the DS-LSTM are normalised.
        learning_rate: Of Adam.
        halve_at: Epochs (from 1 on) after which the learning rate is halved.
        batch_size: Utterances in a training batch.
        epochs: Epochs of training.
    """

    kernel_narrow: tuple[int, int] = (4, 4)
    kernel_wide: tuple[int, int] = (4, 4)
    padding_narrow: tuple[int, int] = (0, 0)
    padding_wide: tuple[int, int] = (0, 0)
    aligned_frames: int = 2
    units: int = 200
    filters: tuple[int, int] = (64, 16)
    gate_norm: str = "after_sigmoid"
    learning_rate: float = 1e-4
    halve_at: tuple[int, ...] = ()
    batch_size: int = 128
    epochs: int = 50


PRESETS = {
    "paper": Preset(),
    "authors": Preset(
        kernel_narrow=(2, 4),
        kernel_wide=(4, 2),
        padding_narrow=(0, 1),
        padding_wide=(1, 0),
        aligned_frames=3,
        learning_rate=1e-3,
        halve_at=(10, 20, 30),
    ),
    # 240 synthetic utterances and a few minutes: enough to see everything work, for no comparison.
    "demo": Preset(
        units=128, filters=(16, 16), learning_rate=1e-3, halve_at=(14,), batch_size=16, epochs=16
    ),
}
