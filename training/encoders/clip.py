"""CLIP's image transformer, the paper's encoder."""

from __future__ import annotations

from typing import Any, Final

from torch import Tensor, nn

from training.clip_weights import Init, clip_image

__all__ = ["CLIP_MEAN", "CLIP_STD", "ClipImage"]

CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)


class ClipImage(nn.Module):
    """CLIP's vision transformer with its projection into the joint space.

    Args:
        name: a key of `CLIPS`.
        size: side of the crops, px: a multiple of the patch; position embeddings are interpolated from 224's.
        init: `pretrained` or `random`.

    Raises:
        ConfigError: the weights can't be had.
    """

    def __init__(self, name: str, size: int, init: Init) -> None:
        super().__init__()
        self.clip: Any = clip_image(name, init)
        self.features = int(self.clip.config.projection_dim)
        self._interpolate = size != self.clip.config.image_size

    def forward(self, images: Tensor) -> Tensor:
        """(n, 1 or 3, S, S) float32 to (n, `features`)."""
        coloured = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
        found: Tensor = self.clip(coloured, interpolate_pos_encoding=self._interpolate).image_embeds
        return found

    def checkpoint_activations(self) -> None:
        """Keep no layer's activations; compute them anew for the gradient: half the memory, a third more time."""
        enable = getattr(self.clip, "activation_checkpointing_enable", None)
        if enable is None:  # transformers before 5.20 call it by its old name
            enable = self.clip.gradient_checkpointing_enable
        enable({"use_reentrant": False})

    def last_blocks(self, count: int) -> list[nn.Module]:
        """The last `count` transformer blocks, and what comes after them."""
        vision: Any = self.clip.vision_model if hasattr(self.clip, "vision_model") else self.clip
        return [
            *vision.encoder.layers[len(vision.encoder.layers) - count :],
            vision.post_layernorm,
            self.clip.visual_projection,
        ]
