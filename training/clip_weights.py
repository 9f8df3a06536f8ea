"""CLIP's two halves through transformers: its weights by the library's own loading, or its shape with random ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from clef_rt.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["CLIPS", "Init", "clip_image", "clip_text", "clip_tokenizer"]

Init = Literal["pretrained", "random"]


@dataclass(frozen=True, slots=True)
class _Shape:
    """A CLIP model: where its weights are, and its sizes for random ones."""

    hub: str
    image: dict[str, Any]
    text: dict[str, Any]


CLIPS: Final = {
    "clip-vit-b16": _Shape(  # the paper's: ViT-B/16 with CLIP's text transformer, 512-d joint space
        "openai/clip-vit-base-patch16",
        {"patch_size": 16, "projection_dim": 512},
        {"projection_dim": 512},
    ),
    "clip-tiny": _Shape(  # of the same make, without weights: to try the code on a small machine
        "",
        {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
            "projection_dim": 32,
        },
        {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "max_position_embeddings": 320,  # random ones are spelt letter by letter
            "projection_dim": 32,
        },
    ),
}


def clip_image(name: str, init: Init) -> PreTrainedModel:
    """CLIP's image transformer with its projection.

    Raises:
        ConfigError: its weights aren't here and can't be fetched.
        MissingExtra: transformers isn't installed.
    """
    try:
        from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
    except ImportError:
        raise MissingExtra("transformers", "training") from None
    if init == "random":
        return CLIPVisionModelWithProjection(CLIPVisionConfig(**CLIPS[name].image))
    return _fetch(CLIPVisionModelWithProjection, name)  # type: ignore[no-any-return]


def clip_text(name: str, init: Init) -> PreTrainedModel:
    """CLIP's text transformer with its projection.

    Raises:
        ConfigError: its weights aren't here and can't be fetched.
        MissingExtra: transformers isn't installed.
    """
    try:
        from transformers import CLIPTextConfig, CLIPTextModelWithProjection
    except ImportError:
        raise MissingExtra("transformers", "training") from None
    if init == "random":
        start, end = 49406, 49407
        settings = {"max_position_embeddings": 320, "bos_token_id": start, "eos_token_id": end, "pad_token_id": end}
        return CLIPTextModelWithProjection(CLIPTextConfig(**(settings | CLIPS[name].text)))
    return _fetch(CLIPTextModelWithProjection, name)  # type: ignore[no-any-return]


def clip_tokenizer(name: str, init: Init) -> PreTrainedTokenizerBase:
    """CLIP's tokenizer; with random weights one that spells, for CLIP's merges come with its weights.

    Raises:
        ConfigError: its vocabulary isn't here and can't be fetched.
    """
    from transformers import CLIPTokenizer

    if init == "pretrained":
        return _fetch(CLIPTokenizer, name)  # type: ignore[no-any-return]
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(letter + "</w>" for letter in letters)]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary | {"<|startoftext|>": 49406, "<|endoftext|>": 49407}, merges=[])


def _fetch(kind: Any, name: str) -> Any:
    hub = CLIPS[name].hub
    if not hub:
        raise ConfigError(f"{name} has no trained weights.", "Give --init random, or choose clip-vit-b16.")
    try:
        return kind.from_pretrained(hub)
    except (OSError, ValueError) as error:  # transformers' words for: not cached, and no way to the hub
        why = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"The weights of {hub} aren't here and can't be fetched: {why}",
            "Go online once, or copy the hub's cache here and set HF_HOME to it; or start without: --init random.",
        ) from None
