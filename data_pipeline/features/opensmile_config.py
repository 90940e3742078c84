"""The openSMILE configuration of MFCC_E_D_A: 12 MFCCs, log energy, deltas, accelerations.

Written by this project from the definitions in the HTK book (MFCC_E_D_A) and the descriptions of
openSMILE's components. openSMILE is licensed for research: features from it, and models trained on
them, may not go into a product.
"""

from collections.abc import Mapping

# The level of openSMILE's data memory that holds the 39 features.
FEATURE_LEVEL = "features"

# name: (component type, level(s) read, level written, options), in the order of processing.
# Values in braces are settings. htkcompatible: samples scaled by 32768, log energy and mel
# energies not below ln(1) = 0.
_COMPONENTS = {
    "framer": (
        "cFramer",
        "wave",
        "frames",
        # left: frame t starts at sample t * step, the first one at the first sample.
        "frameSize={frame_seconds} frameStep={step_seconds} frameCenterSpecial=left",
    ),
    "log_energy": ("cEnergy", "frames", "log_energy", "htkcompatible=1 log=1 rms=0"),
    # Within each frame, as HTK does it; cPreemphasis would run over the whole signal.
    "preemphasis": ("cVectorPreemphasis", "frames", "emphasised", "k={preemphasis}"),
    "window": ("cWindower", "emphasised", "windowed", "winFunc=Hamming"),
    "fft": ("cTransformFFT", "windowed", "spectrum", ""),
    "magnitude": ("cFFTmagphase", "spectrum", "magnitude", ""),
    "mel": (
        "cMelspec",
        "magnitude",
        "mel_power",
        "htkcompatible=1 usePower=1 nBands={num_bands} lofreq=0 hifreq={max_frequency}",
    ),
    "mfcc": (
        "cMfcc",
        "mel_power",
        "cepstra",
        "htkcompatible=1 firstMfcc=1 lastMfcc={num_cepstra} cepLifter={lifter}",
    ),
    # includeSingleElementFields: without it the log energy, a field of one value, is dropped.
    "static": ("cVectorConcat", "cepstra;log_energy", "static", "includeSingleElementFields=1"),
    "delta": ("cDeltaRegression", "static", "deltas", "deltawin={delta_reach}"),
    "acceleration": ("cDeltaRegression", "deltas", "accelerations", "deltawin={delta_reach}"),
    "joined": (
        "cVectorConcat",
        "static;deltas;accelerations",
        FEATURE_LEVEL,
        "includeSingleElementFields=1",
    ),
}


def opensmile_config(settings: Mapping[str, object]) -> str:
    """Text of the configuration file, for `opensmile.Smile(file, FEATURE_LEVEL)`.

    Args:
        settings: frame_seconds, step_seconds, preemphasis, num_bands, max_frequency (Hz),
            num_cepstra, lifter, delta_reach (frames on either side).
    """
    instances = "".join(
        f"instance[{name}].type={component}\n" for name, (component, *_) in _COMPONENTS.items()
    )
    sections = "".join(_section(name, *parts) for name, parts in _COMPONENTS.items())
    # The two {?} commands are where the opensmile package puts in its source and its sink.
    return (
        "[componentInstances:cComponentManager]\ninstance[dataMemory].type=cDataMemory\n\n"
        "\\{\\cm[source{?}:audio source]}\n\n"
        f"[componentInstances:cComponentManager]\n{instances}\n"
        f"{sections.format_map(settings)}"
        "\\{\\cm[sink{?}:feature sink]}\n"
    )


def _section(name: str, component: str, reads: str, writes: str, options: str) -> str:
    lines = [f"[{name}:{component}]", f"reader.dmLevel={reads}", f"writer.dmLevel={writes}"]
    return "\n".join([*lines, *options.split()]) + "\n\n"
