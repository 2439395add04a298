# SPDX-License-Identifier: Apache-2.0
"""Wan2.1 (arXiv 2503.20314) as a full-size generator, an optional extra: diffusers and a checkpoint on disk.

It is read as VEGA-3D (arXiv 2603.19235) reads it: every frame is a video of its own, noised to step 300 of
1000, the prompt is empty, and the features are the output of block 20. The whole frame is kept where VEGA-3D
crops its middle, so that the grid spans it; the latents are the means of the encoder and the noise is seeded,
so that equal frames give equal features. The licence of the weights is their authors', not this project's.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, UMT5EncoderModel

from ide3d_training.teachers.protocol import TeacherError, fit_frames, weights_digest

WIDTH = 1280
"""Pixels that frames are scaled to, as published."""
STEPS = 1000
"""Steps of the noise schedule: at step k the share of noise is k / 1000."""
PROMPT_TOKENS = 512
"""Length that prompts are filled up to with zeros."""
PROMPT_FILE = "empty_prompt.safetensors"
_DOWNLOAD = "download https://huggingface.co/Wan-AI/Wan2.1-T2V-1.3B-Diffusers and give its path as wan:FOLDER"


class WanGenerator:
    """The intermediate features of a Wan2.1; intrinsics are not used.

    The embedding of the empty prompt is read from `empty_prompt.safetensors` in the folder; where that is not
    there, it is made with the folder's text encoder once and kept under that name.

    Args:
        folder: a checkpoint as diffusers lays it out: transformer, vae, text_encoder, tokenizer. Nothing is
            downloaded.
        step: of the noise schedule, 0 to 1000.
        block: whose output is read, counted from 0; the blocks behind it are not kept.
        width: pixels that frames are scaled to, a multiple of 16.
        seed: of the noise, which is the same for every frame.

    Raises:
        TeacherError: if diffusers or a part of the checkpoint is missing, or an argument is of no use.
    """

    name = "wan"

    def __init__(self, folder: Path, step: int = 300, block: int = 20, width: int = WIDTH, seed: int = 0):
        try:
            diffusers = importlib.import_module("diffusers")
            kinds = diffusers.AutoencoderKLWan, diffusers.WanTransformer3DModel
        except (ImportError, AttributeError, RuntimeError) as error:
            raise TeacherError(
                f"the diffusers package is not usable ({str(error).splitlines()[0]}); install it: pip "
                "install diffusers==0.42.1 ftfy"
            ) from None
        if not 0 <= step <= STEPS:
            raise TeacherError(f"step is {step}; use one from 0 to {STEPS}")
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._dtype = torch.bfloat16 if self._device.type == "cuda" else torch.float32
        vae = _part(kinds[0], folder, "vae", torch.float32)
        transformer = _part(kinds[1], folder, "transformer", self._dtype)
        if not 0 <= block < len(transformer.blocks):
            raise TeacherError(f"block is {block}; this Wan has blocks 0 to {len(transformer.blocks) - 1}")
        transformer.blocks = transformer.blocks[: block + 1]
        vae.decoder = None
        self.digest = weights_digest(
            {f"vae.{name}": value for name, value in vae.state_dict().items()}
            | {f"transformer.{name}": value for name, value in transformer.state_dict().items()}
        )
        self._vae, self._transformer = vae.to(self._device), transformer.to(self._device)
        self._prompt = _empty_prompt(folder, transformer.config.text_dim).to(self._device, self._dtype)
        patch_time, rows, columns = transformer.config.patch_size
        if patch_time != 1 or rows != columns:
            raise TeacherError(f"{folder} has patches of {patch_time}x{rows}x{columns}; Wan2.1 has 1x2x2")
        self._patch = rows * 2 ** len(vae.config.temperal_downsample)  # pixels
        self._step, self._width, self._seed = step, width, seed
        self._seen: list[torch.Tensor] = []
        transformer.blocks[-1].register_forward_hook(lambda _, __, states: self._seen.append(states))
        self.channels = transformer.config.num_attention_heads * transformer.config.attention_head_dim

    @torch.no_grad()
    def tokens(self, frames: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
        """See `Teacher.tokens`; frames do not see one another."""
        pixels = 2.0 * fit_frames(frames.flatten(0, 1), self._width, self._patch) - 1.0
        features = torch.stack([self._look(frame.to(self._device)) for frame in pixels])
        return features.unflatten(0, frames.shape[:2])

    def _look(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the features (rows, columns, C) of one frame (3, H, W) in -1..1."""
        sizes = self._vae.config
        raw = self._vae.encode(pixels[None, :, None]).latent_dist.mode()  # (1, z, 1, h, w)
        mean, deviation = (
            torch.tensor(values, device=raw.device)[None, :, None, None, None]
            for values in (sizes.latents_mean, sizes.latents_std)
        )
        noise = torch.randn(raw.shape, generator=torch.Generator().manual_seed(self._seed)).to(raw)
        share = self._step / STEPS
        noised = (1.0 - share) * (raw - mean) / deviation + share * noise
        self._seen.clear()
        self._transformer(
            hidden_states=noised.to(self._dtype),
            timestep=torch.tensor([self._step], device=raw.device),
            encoder_hidden_states=self._prompt,
        )
        states = self._seen.pop()[0].float().cpu()  # (n, C)
        return states.unflatten(0, (pixels.shape[1] // self._patch, pixels.shape[2] // self._patch))


def _part(kind: type, folder: Path, name: str, dtype: torch.dtype):
    """Load one model of a checkpoint, frozen."""
    if not (folder / name / "config.json").is_file():
        raise TeacherError(f"no {name}/config.json in {folder}; {_DOWNLOAD}")
    try:
        model = kind.from_pretrained(folder, subfolder=name, torch_dtype=dtype, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise TeacherError(f"{folder}/{name} is not usable: {str(error).splitlines()[0]}") from None
    return model.eval().requires_grad_(False)


def _empty_prompt(folder: Path, dim: int) -> torch.Tensor:
    """Return the embedding of the empty prompt (1, 512, dim), zeros behind its last token."""
    path = folder / PROMPT_FILE
    if path.is_file():
        said = load_file(path).get("prompt")
        if said is None or said.ndim != 2 or said.shape[1] != dim or len(said) > PROMPT_TOKENS:
            raise TeacherError(
                f"{path} holds no tensor `prompt` of up to {PROMPT_TOKENS} rows of {dim}; delete it, and it "
                "is made again"
            )
    else:
        said = _encode_empty_prompt(folder)
        try:
            save_file({"prompt": said.contiguous()}, path)
        except OSError:
            pass  # a folder that may only be read costs the encoder's loading each time, nothing else
    filled = torch.zeros(1, PROMPT_TOKENS, dim)
    filled[0, : len(said)] = said
    return filled


@torch.no_grad()
def _encode_empty_prompt(folder: Path) -> torch.Tensor:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        encoder = UMT5EncoderModel.from_pretrained(
            folder / "text_encoder", local_files_only=True, dtype=torch.bfloat16
        )
    except (OSError, ValueError) as error:
        raise TeacherError(
            f"{folder} has neither {PROMPT_FILE} nor a usable tokenizer and text_encoder "
            f"({str(error).splitlines()[0]}); {_DOWNLOAD}"
        ) from None
    ids = tokenizer("", return_tensors="pt").input_ids
    return encoder.eval()(input_ids=ids).last_hidden_state[0].float()
