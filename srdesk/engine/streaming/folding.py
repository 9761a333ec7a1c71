"""A model's parameters made ready for streaming: BatchNorm folded, channels in the order in which they are stored.

Folding is done in float64, so that the folded network differs from the plain one by rounding of single operations only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from srdesk.engine.streaming.rows import Layer
from srdesk.models.srcnn import BT601_LUMA, SRCNN, cubic_phase_kernels
from srdesk.models.srresnet import SHUFFLE_FACTOR, ResidualBlock, SRResNet
from srdesk.models.subpixel import block_kernel, conv_weight_before_shuffle, phases_outermost

_CHANNEL_GROUP = 16
"""Output channels are filled up to a multiple of this: vector units and tensor cores work in groups of 16."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A convolution behind the blocks, and the pixel shuffle after it."""

    layer: Layer
    """The convolution; its output channels are (row phase, column phase, feature)."""
    factor: int
    """Factor of the shuffle; 1 for none."""
    scale: int
    """Resolution of its input, relative to the LR picture."""


@dataclass(frozen=True, slots=True)
class FoldedSRResNet:
    """The layers of an SRResNet in the order of the data flow."""

    head: Layer
    """Colours to features, in float32 always: a fraction of the work, and the picture is not rounded."""
    blocks: tuple[tuple[Layer, Layer], ...]
    """The two convolutions of each residual block."""
    trunk: Layer
    """Convolution before the long skip."""
    stages: tuple[Stage, ...]
    """The upscaling stages, and the tail as the last one, taken before the last shuffle."""
    colours: int
    """Colour channels in and out; those of the last stage are filled up behind them."""
    sum_dtype: torch.dtype
    """Number type in which the residuals of all blocks are added up: float32 if that of the layers is bfloat16."""


def fold_srresnet(model: SRResNet, device: torch.device, dtype: torch.dtype) -> FoldedSRResNet:
    """Fold an SRResNet for a device and number type; ``model`` is not modified."""

    def fold(*parts: nn.Module) -> Layer:
        return _placed(fold_layer(*parts), device, dtype)

    blocks = [block for block in model.blocks if isinstance(block, ResidualBlock)]
    return FoldedSRResNet(
        head=_placed(fold_layer(*model.head), device, torch.float32),
        blocks=tuple((fold(*block.conv_block1), fold(*block.conv_block2)) for block in blocks),
        trunk=fold(*model.trunk),
        stages=tuple(Stage(_placed(layer, device, dtype), factor, scale) for layer, factor, scale in _stages(model)),
        colours=model.config.in_channels,
        sum_dtype=torch.float32 if dtype == torch.bfloat16 else dtype,
    )


def _stages(model: SRResNet) -> Iterator[tuple[Layer, int, int]]:
    """Yield the layer, the shuffle after it and the resolution before it of every stage and of the tail.

    The last shuffle changes places with the tail; what it would have followed is left unshuffled.
    """
    scale = 1
    for index, stage in enumerate(model.upscale):
        factor = SHUFFLE_FACTOR if index < len(model.upscale) - 1 else 1
        yield _fold_stage(stage, factor), factor, scale
        scale *= factor
    factor = SHUFFLE_FACTOR if len(model.upscale) > 0 else 1
    yield _fold_tail(model.tail, factor), factor, scale


@dataclass(frozen=True, slots=True)
class FoldedSRCNN:
    """The layers of an SRCNN in the order of the data flow, after the bicubic enlargement that they start from.

    They work on blocks: what one LR pixel becomes, channels (row phase, column phase, feature).
    """

    bicubic: Layer
    """LR colours to HR colours; unpadded, always float32."""
    extract: Layer
    """Luma to features. In half precision it takes the luma in two parts, rounded and remainder, so that nothing is
    lost of it."""
    map: Layer
    """Features to features: those of a block, or of each pixel if `maps_pixels`."""
    reconstruct: Layer
    """Features to luma; always float32, since its results are pixels."""
    scale: int
    """Enlargement along each side, and the side of a block."""
    maps_pixels: bool
    """Whether the second layer, a 1×1 convolution in the paper, computes each pixel for itself."""

    @property
    def margin_px(self) -> int:
        """Blocks on each side, which are LR pixels, that the three unpadded layers use up."""
        return self.extract.radius_px + self.map.radius_px + self.reconstruct.radius_px

    @property
    def luma_parts(self) -> int:
        """How many numbers the luma of a pixel is handed to the first layer in."""
        return int(self.extract.weight.shape[1]) // self.scale**2


def fold_srcnn(model: SRCNN, device: torch.device, dtype: torch.dtype) -> FoldedSRCNN:
    """Make an SRCNN ready for a device and number type; ``model`` is not modified."""
    scale, phases = model.scale, model.scale**2
    maps_pixels = model.map.kernel_size == (1, 1)

    def on_blocks(conv: nn.Conv2d, dtype: torch.dtype, parts: int = 1) -> Layer:
        plain = fold_layer(conv)
        weight = block_kernel(_rounded(plain.weight, dtype).double(), scale)
        return Layer(torch.cat([weight] * parts, dim=1), plain.bias.repeat(phases))

    def activated(layer: Layer, dtype: torch.dtype) -> Layer:
        return _placed(replace(layer, is_rectified=True), device, dtype)

    return FoldedSRCNN(
        bicubic=_placed(_bicubic_layer(model.scale, len(BT601_LUMA)), device, torch.float32),
        extract=activated(on_blocks(model.extract, dtype, parts=1 if dtype == torch.float32 else 2), dtype),
        map=activated(fold_layer(model.map) if maps_pixels else on_blocks(model.map, dtype), dtype),
        reconstruct=_placed(on_blocks(model.reconstruct, torch.float32), device, torch.float32),
        scale=scale,
        maps_pixels=maps_pixels,
    )


def _bicubic_layer(scale: int, colours: int) -> Layer:
    """Return the bicubic enlargement of all colours as one convolution before a pixel shuffle."""
    kernels = cubic_phase_kernels(scale)
    phases, _, size, _ = kernels.shape
    weight = kernels.new_zeros(phases, colours, colours, size, size)
    for colour in range(colours):
        weight[:, colour, colour] = kernels[:, 0]
    return Layer(weight.reshape(phases * colours, colours, size, size), weight.new_zeros(phases * colours))


def fold_layer(conv: nn.Module, *followers: nn.Module) -> Layer:
    """Return a convolution with the BatchNorm and PReLU that follow it, in float64; they are not modified."""
    assert isinstance(conv, nn.Conv2d)
    weight = _exact(conv.weight)
    bias = weight.new_zeros(weight.shape[0]) if conv.bias is None else _exact(conv.bias)
    slope = None
    for follower in followers:
        if isinstance(follower, nn.BatchNorm2d):
            gain, shift = _affine(follower)
            weight, bias = weight * gain[:, None, None, None], bias * gain + shift
        elif isinstance(follower, nn.PReLU):
            slope = _exact(follower.weight).expand(weight.shape[0])
    return Layer(weight, bias, slope)


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return gain and shift per channel that the normalisation is in evaluation."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = _exact(norm.weight) / torch.sqrt(_exact(norm.running_var) + norm.eps)
    return gain, _exact(norm.bias) - _exact(norm.running_mean) * gain


def _exact(parameter: Tensor) -> Tensor:
    """Return a parameter in float64, on the CPU since MPS has none."""
    return parameter.detach().cpu().double()


def _fold_stage(stage: nn.Module, factor: int) -> Layer:
    """Return the convolution before a pixel shuffle together with the PReLU after it.

    PReLU works pixel by pixel: before the shuffle each slope serves the four channels of its feature. Where a shuffle
    by ``factor`` follows, channels are put into the order in which a row of shuffled pixels is stored.
    """
    assert isinstance(stage, nn.Sequential)
    conv, _, prelu = stage
    assert isinstance(prelu, nn.PReLU)
    plain = fold_layer(conv)
    phases = SHUFFLE_FACTOR**2
    slope = _exact(prelu.weight).expand(plain.weight.shape[0] // phases).repeat_interleave(phases)
    weight, bias, slope = (phases_outermost(outputs, factor) for outputs in (plain.weight, plain.bias, slope))
    return Layer(weight, bias, slope)


def _fold_tail(tail: nn.Conv2d, factor: int) -> Layer:
    """Return the last convolution as it is taken before the shuffle by ``factor``."""
    plain = fold_layer(tail)
    weight = phases_outermost(conv_weight_before_shuffle(plain.weight, factor), factor)
    bias = plain.bias.repeat(factor**2)
    missing = -len(bias) % _CHANNEL_GROUP
    weight = torch.cat([weight, weight.new_zeros(missing, *weight.shape[1:])])
    return Layer(weight, torch.cat([bias, bias.new_zeros(missing)]))


def _placed(layer: Layer, device: torch.device, dtype: torch.dtype) -> Layer:
    return Layer(
        _rounded(layer.weight, dtype).to(device).contiguous(memory_format=torch.channels_last),
        layer.bias.to(dtype).to(device),
        None if layer.slope is None else layer.slope.to(dtype).contiguous().to(device),
        layer.is_rectified,
    )


def _rounded(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Return `(O, C, K, K)` kernels in a number type, each with the sum that it had: a tap takes on what the last lost.

    Neighbouring features are much alike, so an error in the sum of a kernel shows far more than one in a single tap. In
    bfloat16 this halves the loss of PSNR.
    """
    taps = weight.double().flatten(2)
    rounded = torch.empty_like(taps, dtype=dtype)
    lost = torch.zeros_like(taps[:, :, 0])
    for tap in range(taps.shape[2]):
        wanted = taps[:, :, tap] + lost
        rounded[:, :, tap] = wanted.to(dtype)
        lost = wanted - rounded[:, :, tap].double()
    return rounded.view(weight.shape)
