# SPDX-License-Identifier: Apache-2.0
"""The manifest schema refuses what does not fit together."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from pydantic import BaseModel, ValidationError

from ide3d_ros.bundle import Bundle, Manifest
from ide3d_ros.bundle import manifest as schema


def refuse(bundle: Bundle, change: Callable[[dict], None]) -> str:
    """Change the manifest's values, expect a refusal and return its words."""
    values = json.loads(bundle.manifest.model_dump_json())
    change(values)
    with pytest.raises(ValidationError) as caught:
        Manifest.model_validate_json(json.dumps(values))
    return str(caught.value)


def test_a_manifest_survives_the_way_through_json(fake_bundle: Bundle) -> None:
    assert Manifest.model_validate_json(fake_bundle.manifest.model_dump_json()) == fake_bundle.manifest


def test_every_field_of_the_schema_is_described() -> None:
    models = [
        m
        for m in vars(schema).values()
        if isinstance(m, type) and issubclass(m, BaseModel) and m is not BaseModel
    ]
    assert len(models) > 5
    for model in models:
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name} has no description"


def test_unknown_fields_are_refused(fake_bundle: Bundle) -> None:
    assert "speed" in refuse(fake_bundle, lambda values: values["limits"].update(speed=1))


def test_numbers_are_not_read_from_text(fake_bundle: Bundle) -> None:
    assert "max_frames" in refuse(fake_bundle, lambda values: values["limits"].update(max_frames="4"))


def test_grid_and_tokens_must_agree(fake_bundle: Bundle) -> None:
    words = refuse(fake_bundle, lambda values: values["network"].update(tokens=13))
    assert "grid 3x4 has 12 cells but tokens is 13" in words


@pytest.mark.parametrize("size", [{"width": 68}, {"height": 64}, {"width": 66, "height": 99, "grid": [6, 4]}])
def test_tokens_must_be_whole_squares(fake_bundle: Bundle, size: dict) -> None:
    size = {"tokens": 24 if "grid" in size else 12} | size
    assert "square cells" in refuse(fake_bundle, lambda values: values["network"].update(size))


def test_a_graph_without_one_of_its_outputs_is_refused(fake_bundle: Bundle) -> None:
    words = refuse(fake_bundle, lambda values: values["graphs"]["prefix"]["outputs"].pop())
    assert "graph prefix: outputs" in words and "gravity" in words


def test_a_renamed_input_is_refused(fake_bundle: Bundle) -> None:
    words = refuse(fake_bundle, lambda values: values["graphs"]["prompt"]["inputs"][3].update(name="ids"))
    assert "graph prompt: inputs" in words and "text int64[B, T]" in words


def test_a_shape_that_contradicts_the_sizes_is_refused(fake_bundle: Bundle) -> None:
    words = refuse(fake_bundle, lambda values: values["network"].update(head_dim=5))
    assert "graph prefix: outputs" in words


def test_a_missing_graph_is_refused(fake_bundle: Bundle) -> None:
    assert "graphs.step" in refuse(fake_bundle, lambda values: values["graphs"].pop("step"))


def test_two_entries_cannot_share_a_file(fake_bundle: Bundle) -> None:
    words = refuse(fake_bundle, lambda values: values.update(tokenizer=values["weights"]))
    assert "same file" in words


def test_a_category_cannot_be_listed_twice(fake_bundle: Bundle) -> None:
    words = refuse(fake_bundle, lambda values: values["categories"].append(values["categories"][0]))
    assert "category 'chair' is listed twice" in words


@pytest.mark.parametrize("extents", [[1, 1, 0], [1, 1, -1], [1, 1], [1, 1, float("inf")]])
def test_extents_are_three_positive_lengths(fake_bundle: Bundle, extents: list[float]) -> None:
    assert "extents" in refuse(fake_bundle, lambda values: values["categories"][0].update(extents=extents))


def test_field_size_follows_categories_and_colors(fake_bundle: Bundle) -> None:
    fields = fake_bundle.manifest.graphs.prefix.outputs[3]
    assert fields.name == "fields"
    assert fields.shape == ("F", 12, fake_bundle.box_code.size)


def test_stride_is_the_side_of_a_token(fake_bundle: Bundle) -> None:
    assert fake_bundle.manifest.network.stride == 16
    assert fake_bundle.box_code.stride == 16.0
