# SPDX-License-Identifier: Apache-2.0
"""A study's section of `training/RESULTS.md`: tables, curves, commands. Several studies share the file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HEADINGS = {
    "acc@0.25": "Acc@0.25",
    "acc@0.50": "Acc@0.5",
    "f1@0.25": "F1@0.25",
    "f1@0.50": "F1@0.5",
    "em": "EM",
    "zero_rejection": "zero targets rejected",
    "positive_detection": "targets detected",
}
SCALAR_HEADINGS = {
    "cider@0.5IoU": "CIDEr@0.5IoU",
    "ap3d@0.25": "AP3D@0.25",
    "log_depth_error": "median log-depth error",
    "right_pixel": "right pixel",
    "true_pixel_acc@0.25": "Acc@0.25 given true pixel",
    "true_depth_acc@0.25": "Acc@0.25 given true depth",
}
_INTRODUCTION = """# Results

Comparisons of methods, each made by one command of `ide3d-compare`: same rooms, steps, batches and seeds for
all arms of a study. Every section is written by its command, and what stands between its
markers is replaced when the command runs again.
"""


def write_section(path: Path, name: str, section: str) -> None:
    """Put a section into a results file, in place of an earlier one of the same name.

    Args:
        path: made if it is not there.
        name: of the study; its markers carry it.
        section: Markdown.
    """
    begin, end = f"<!-- study {name}: begin -->", f"<!-- study {name}: end -->"
    text = path.read_text(encoding="utf-8") if path.exists() else _INTRODUCTION
    block = f"{begin}\n{section.strip()}\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(text):
        text = pattern.sub(lambda _: block, text)
    else:
        text = f"{text.rstrip()}\n\n{block}\n"
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def study_section(report: Mapping[str, Any], picture: str) -> str:
    """Write a study's section.

    Args:
        report: of `report.study_report`, with `commands`.
        picture: path of its curves, relative to the results file.
    """
    parts = [f"## {report['title']}", report["about"].strip(), _budget(report)]
    for split in report["evaluation"]["splits"]:
        parts += _scores(report, split)
    parts += _costs(report)
    parts += _probes(report)
    parts += _published(report)
    parts += [f"![Training curves of all arms]({picture})", *_commands(report), _made_on(report)]
    return "\n\n".join(part for part in parts if part)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table; columns but the first are right-aligned."""
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (headings, rule, *rows))


def _budget(report: Mapping[str, Any]) -> str:
    training, data = report["training"], report["data"]
    seeds = ", ".join(map(str, report["seeds"]))
    rooms, frames = data["rooms"], data["frames_per_room"]
    return (
        f"Every arm: {training['steps']} steps of {training['batch']} frames ({training['frames']:,} "
        f"frames), seeds {seeds}, {rooms:,} rooms of {frames} frames (split {data['split']}, seed "
        f"{data['seed']}, generator version {data['generator_version']}). Boxes and answers come from RGB "
        "and intrinsics alone (mode `direct`) unless a row names an extra input."
    )


def _scores(report: Mapping[str, Any], split: str) -> list[str]:
    arms, prior = report["arms"], report["prior"][split]
    rows, seeds, gains = [], [], []
    for arm in arms:
        figures, scalars = (arm["evaluation"][split][key] for key in ("figures", "scalars"))
        rows.append([arm["name"], *(_mean_and_ends(figures[key]) for key in HEADINGS)])
        seeds.append(
            [
                arm["name"],
                *(_per_seed(figures[key]) for key in ("acc@0.25", "acc@0.50", "f1@0.25", "em")),
                *(_mean(scalars[key], 3 if key == "log_depth_error" else 1) for key in SCALAR_HEADINGS),
            ]
        )
        gains.append([arm["name"], *(_mean_and_ends(arm["gain"][split][key], sign="+") for key in HEADINGS)])
    rows.append(["a guess that never looks", *(_number(prior.get(key)) for key in HEADINGS)])
    rooms, first = report["evaluation"]["rooms"], arms[0]["name"]
    return [
        f"### Split `{split}`, {rooms} rooms",
        "Percent, mean over the seeds; in brackets the 95 % interval, rooms resampled, with the answers of "
        "all seeds together.",
        table(["arm", *HEADINGS.values()], rows),
        f"Gain over `{first}` in percentage points, compared room by room; in brackets its 95 % interval. "
        "The intervals say what other rooms would change; what other seeds would, the next table shows.",
        table(["arm", *HEADINGS.values()], gains[1:]) if gains[1:] else "",
        "Each seed (in their order), and what else was measured, as means over the seeds. Right pixel: first "
        "box within 16 px. Given true pixel or depth: that part of the box swapped for the truth.",
        table(
            ["arm", *(f"{HEADINGS[key]}, seeds" for key in ("acc@0.25", "acc@0.50", "f1@0.25", "em"))]
            + list(SCALAR_HEADINGS.values()),
            seeds,
        ),
    ]


def _costs(report: Mapping[str, Any]) -> list[str]:
    first = report["arms"][0]["name"]
    rows = []
    for arm in report["arms"]:
        sizes, latency = arm["sizes"], arm["latency"]
        rows.append(
            [
                arm["name"],
                f"{sizes['parameters'] / 1e6:.2f} M",
                f"{sizes['training_only'] / 1e6:.2f} M",
                arm["extra_inputs"],
                *(_time(latency[case]) for case in ("cold", "follow_up")),
                f"{sizes['memory_mb']:.0f} MB",
                _number(sizes["seconds_a_step"], 2),
            ]
        )
    headings = [
        *("arm", "parameters", "in training alone", "extra inputs at inference"),
        *("cold, ms (ratio)", "follow-up, ms (ratio)", "memory", "s a training step"),
    ]
    return [
        "### What it costs",
        f"Latency of the exported bundles (CPU threads: {report['threads']}), taking turns: a new frame and "
        "its first expression (cold), one more expression about it (follow-up); median, and in brackets the "
        f"median ratio to `{first}` of the same round with its quartiles.",
        table(headings, rows),
    ]


def _probes(report: Mapping[str, Any]) -> list[str]:
    probed = [arm for arm in report["arms"] if arm["probe"]]
    if not probed:
        return []
    levels = list(probed[0]["probe"]["levels"])
    rows = [[arm["name"], *(_probe(arm["probe"]["levels"].get(level)) for level in levels)] for arm in probed]
    rows.append(["untrained", *(_probe(probed[0]["probe"]["untrained"].get(level)) for level in levels)])
    views = [
        [arm["name"], *(_views(arm["probe"]["levels"].get(level)) for level in levels)] for arm in probed
    ]
    views.append(["untrained", *(_views(probed[0]["probe"]["untrained"].get(level)) for level in levels)])
    floors = report["probe_floors"]
    asked = report["probe"]
    return [
        "### What the frozen tokens know",
        "Linear depth probe: least squares from one token to the log depth in its middle, fitted on "
        f"{asked['rooms']} rooms of the split `val`, measured on {asked['held_out']} others. AbsRel / share "
        f"within a factor of 1.25, percent. One depth for all: {_probe(floors['one depth'])}; one for each "
        f"place in the image: {_probe(floors['one depth a place'])}.",
        table(["arm", *levels], rows),
        "Agreement of two views: mean cosine of tokens of different frames within one voxel of 0.1 m (3DRS), "
        "of random pairs of the same frames, and what is left above chance; percent.",
        table(["arm", *levels], views),
    ]


def _published(report: Mapping[str, Any]) -> list[str]:
    arms = [arm for arm in report["arms"] if arm["published"]]
    if not arms:
        return []
    names = list(dict.fromkeys(name for arm in arms for name in arm["published"]))
    rows = [[arm["name"], *(str(arm["published"].get(name, "-")) for name in names)] for arm in arms]
    return [
        "### Published figures, full size",
        report["published"],
        "Not measured here: other data, other sizes. Only the order of the arms and their distances can be "
        "compared with the tables above.",
        table(["arm", *names], rows),
    ]


def _commands(report: Mapping[str, Any]) -> list[str]:
    study = "\n".join(report["commands"]["study"])
    arms = "\n".join(report["commands"]["arms"])
    return [
        "### Commands",
        f"```sh\n{study}\n```",
        f"One arm alone, seed {report['seeds'][0]}:",
        f"```sh\n{arms}\n```",
    ]


def _made_on(report: Mapping[str, Any]) -> str:
    on = report["machine"]
    return (
        f"Made on {on['cores']} cores ({on['processor']}), Python {on['python']}, torch {on['torch']}, "
        f"transformers {on['transformers']}, onnxruntime {on['onnxruntime']}."
    )


def _number(value: float | None, digits: int = 1, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.{digits}f}"


def _mean(figure: Mapping[str, Any] | None, digits: int) -> str:
    return "-" if figure is None else _number(figure["mean"], digits)


def _mean_and_ends(figure: Mapping[str, Any] | None, sign: str = "") -> str:
    if figure is None:
        return "-"
    low, high = (_number(end, sign=sign) for end in figure["interval"])
    return f"{_number(figure['mean'], sign=sign)} ({low} to {high})"


def _per_seed(figure: Mapping[str, Any] | None) -> str:
    return "-" if figure is None else ", ".join(_number(value) for value in figure["per_seed"])


def _time(case: Mapping[str, Any]) -> str:
    low, high = case["quartiles"]
    return f"{case['median_ms']:.1f} ({case['ratio']:.2f}; {low:.2f} to {high:.2f})"


def _probe(figures: Mapping[str, Any] | None) -> str:
    return "-" if figures is None else f"{_number(figures['abs_rel'])} / {_number(figures['delta'])}"


def _views(figures: Mapping[str, Any] | None) -> str:
    if figures is None or figures["agreement"] is None:
        return "-"
    parts = (_number(figures[key]) for key in ("agreement", "chance", "above_chance"))
    return "{}, {}, {}".format(*parts)
