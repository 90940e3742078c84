"""The first convolution of a CNN without its feature map, which is what costs there.

Values and gradients equal those of the stock operations; tests compare them.
"""

import math
from collections.abc import Callable

import numpy as np
from keras import KerasTensor, ops

# The four positions inside a 2 x 2 pooling window, in reading order.
_PHASES = ((0, 0), (0, 1), (1, 0), (1, 1))


def conv2d_max_pool(images: KerasTensor, kernel: KerasTensor) -> KerasTensor:
    """Convolve without padding, then take the maximum of each 2 x 2 window (stride 2).

    For a single input channel the feature map is far larger than input and output together
    (230 MB a batch), and writing it is what costs. Here one utterance at a time goes through four
    convolutions of stride 2, one for each position in a pooling window; their maximum is taken
    while they are in the cache, and the gradient computes them again rather than keep them. The
    map of the whole batch never exists.

    Args:
        images: (batch, height, width, channels).
        kernel: (kernel_height, kernel_width, channels, filters).

    Returns:
        (batch, (height - kernel_height + 1) // 2, (width - kernel_width + 1) // 2, filters).
    """
    return _conv2d_max_pool(images, kernel)


@ops.custom_gradient
def _conv2d_max_pool(images: KerasTensor, kernel: KerasTensor) -> tuple[KerasTensor, Callable]:
    def gradient(*args: KerasTensor, upstream: KerasTensor | None = None) -> tuple:
        upstream = args[-1] if upstream is None else upstream
        return (
            _pooled_images_gradient(images, kernel, upstream),
            _pooled_kernel_gradient(images, kernel, upstream),
        )

    def pooled(image: KerasTensor) -> KerasTensor:
        # (height, width, channels) -> 4 x (1, rows, columns, filters) -> (rows, columns, filters)
        a, b, c, d = _window_values(image[None], kernel)
        return ops.maximum(ops.maximum(a, b), ops.maximum(c, d))[0]

    return ops.map(pooled, images), gradient


def _window_values(image: KerasTensor, kernel: KerasTensor) -> list[KerasTensor]:
    """The feature map at each of the four positions of a window: (1, rows, columns, filters)."""
    return [ops.conv(view, kernel, 2, "valid") for view in _views(image, kernel.shape)]


def _views(image: KerasTensor, kernel_shape: tuple[int, ...]) -> list[KerasTensor]:
    """The parts of the image that the four positions see; each gives one value a window."""
    # Rows and columns that one kernel in each window sees, from the first to the last window.
    spans = [
        2 * ((size - kernel + 1) // 2 - 1) + kernel
        for size, kernel in zip(image.shape[1:3], kernel_shape[:2], strict=True)
    ]
    return [image[:, row : row + spans[0], column : column + spans[1]] for row, column in _PHASES]


def _route(image: KerasTensor, kernel: KerasTensor, upstream: KerasTensor) -> list[KerasTensor]:
    """Send the gradient of each maximum to the first value that attains it, as stock pooling."""
    a, b, c, d = _window_values(image, kernel)
    zero = ops.zeros((), upstream.dtype)
    upper = ops.where(ops.maximum(a, b) >= ops.maximum(c, d), upstream, zero)
    lower = upstream - upper
    to_a, to_c = ops.where(a >= b, upper, zero), ops.where(c >= d, lower, zero)
    return [to_a, upper - to_a, to_c, lower - to_c]


def _pooled_kernel_gradient(
    images: KerasTensor, kernel: KerasTensor, upstream: KerasTensor
) -> KerasTensor:
    def one(pair: tuple[KerasTensor, KerasTensor]) -> KerasTensor:
        image, gradient = pair[0][None], pair[1][None]
        routed = _route(image, kernel, gradient)
        patches = [_patches(view, kernel.shape) for view in _views(image, kernel.shape)]
        # Four times (taps, positions) x (positions, filters), for the gradient of one image.
        return sum(
            ops.matmul(ops.transpose(seen), ops.reshape(values, (-1, kernel.shape[-1])))
            for seen, values in zip(patches, routed, strict=True)
        )

    # (batch, taps, filters) -> (taps, filters) -> (height, width, channels, filters)
    return ops.reshape(ops.sum(ops.map(one, (images, upstream)), axis=0), kernel.shape)


def _patches(view: KerasTensor, kernel_shape: tuple[int, ...]) -> KerasTensor:
    """Every patch that a stride of 2 visits, as a row: (positions, taps of the kernel)."""
    height, width, channels, _ = kernel_shape
    taps = height * width * channels
    identity = ops.cast(np.eye(taps).reshape(height, width, channels, taps), view.dtype)
    # (1, rows, columns, taps) -> (rows * columns, taps)
    return ops.reshape(ops.conv(view, identity, 2, "valid"), (-1, taps))


def _pooled_images_gradient(
    images: KerasTensor, kernel: KerasTensor, upstream: KerasTensor
) -> KerasTensor:
    def one(pair: tuple[KerasTensor, KerasTensor]) -> KerasTensor:
        image, gradient = pair[0][None], pair[1][None]
        total = ops.zeros_like(image)
        for (row, column), routed in zip(_PHASES, _route(image, kernel, gradient), strict=True):
            # (1, rows, columns, filters) -> the part of the image that this position sees
            spread = ops.conv_transpose(routed, kernel, 2, "valid")
            rows = [row, image.shape[1] - row - spread.shape[1]]
            columns = [column, image.shape[2] - column - spread.shape[2]]
            total = total + ops.pad(spread, [[0, 0], rows, columns, [0, 0]])
        return total[0]

    return ops.map(one, (images, upstream))


def conv2d_moments(images: KerasTensor, kernel: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
    """Mean and variance of the feature map of a convolution without padding, without the map.

    A response is linear in its patch, so its mean and variance over all positions follow from the
    mean and covariance of the patches (16 x 16 numbers for a 4 x 4 kernel and one channel):
    mean = m . w, variance = w' C w. The patches are taken in an orthonormal cosine basis, where
    the level of the spectrogram, large in dB, stands apart from its differences: kernels that
    respond to differences alone keep their precision in float32.

    Args:
        images: (batch, height, width, 1).
        kernel: (kernel_height, kernel_width, 1, filters).

    Returns:
        Mean and biased variance, (filters,) each.
    """
    height, width, channels, filters = kernel.shape
    basis = ops.cast(_cosine_basis(height, width), images.dtype)
    coefficients = ops.conv(images, basis, 1, "valid")
    # (batch, rows, columns, taps) -> (positions, taps)
    coefficients = ops.reshape(coefficients, (-1, height * width))
    patch_mean = ops.mean(coefficients, axis=0)
    centred = coefficients - patch_mean
    count = ops.cast(ops.shape(coefficients)[0], images.dtype)
    # (taps, positions) x (positions, taps)
    covariance = ops.matmul(ops.transpose(centred), centred) / count
    # The kernel in the same basis: (taps, taps) x (taps, filters).
    weights = ops.matmul(
        ops.transpose(ops.reshape(basis, (height * width, -1))),
        ops.reshape(kernel, (height * width, filters)),
    )
    mean = ops.matmul(patch_mean, weights)
    variance = ops.sum(weights * ops.matmul(covariance, weights), axis=0)
    return mean, ops.maximum(variance, 0)


def _cosine_basis(height: int, width: int) -> np.ndarray:
    """Orthonormal two-dimensional cosine basis as a kernel (height, width, 1, height * width)."""
    rows, columns = _cosines(height), _cosines(width)
    return np.einsum("ai,bj->ijab", rows, columns).reshape(height, width, 1, height * width)


def _cosines(size: int) -> np.ndarray:
    """Orthonormal cosines as rows: (size, size)."""
    grid = np.cos(np.pi / size * np.outer(np.arange(size), np.arange(size) + 0.5))
    grid[0] /= math.sqrt(2)
    return grid * math.sqrt(2 / size)
