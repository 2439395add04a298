# SPDX-License-Identifier: Apache-2.0
"""`ide3d`: what a person types. Each command imports its own part alone, so that help comes at once."""

from __future__ import annotations

import math
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

FIRST_ROOM = 800009
"""Of the split "demo", never trained on; it and the next two are full and of three types."""
_INTERRUPTED = 130
_EXPECTED = (
    ("ide3d_ros.bundle", "BundleError"),
    ("ide3d_ros.engine", "EngineError"),
    ("ide3d_ros.cli.ask", "AskError"),
    ("ide3d_ros.cli.bench.rounds", "BenchError"),
    ("ide3d_ros.cli.build_preflight", "PreflightError"),
    ("ide3d_ros.cli.demo", "DemoError"),
    ("ide3d_ros.cli.demo_client", "NoAnswerError"),
    ("ide3d_ros.cli.doctor.examination", "DoctorError"),
    ("ide3d_ros.cli.node_plans", "PlanError"),
    ("ide3d_ros.cli.node_process", "NodeEndedError"),
    ("ide3d_ros.cli.offline.questions", "QuestionsError"),
    ("ide3d_ros.cli.offline.run", "OfflineError"),
    ("ide3d_ros.cli.own_domain", "DomainError"),
    ("ide3d_ros.cli.run", "RunError"),
    ("ide3d_ros.cli.yaml_files", "YamlFileError"),
    ("ide3d_ros.network.full_size", "CheckpointError"),
    ("ide3d_ros.recordings", "RecordingError"),
)
"""Errors that end a command with their own sentence, by the modules that hold them."""
_OF_BUNDLES = ("bundle", "engine", "phrases", "width", "height", "seconds", "rate", "cameras")
_OF_NETWORKS = ("dual_encoder", "device", "dtype", "answer_tokens")
"""Options of `ide3d bench` that serve one of its two subjects alone."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class UsageError(ValueError):
    """An option has a value that cannot be used."""


@app.callback()
def ide3d() -> None:
    """Metric 3D boxes and spatial answers from RGB frames, for ROS 2 robots."""


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Folder for report.json, pictures, demo.mcap and logs.")],
    recording: Annotated[
        Path | None, typer.Option(help="Folder of a labelled recording, in place of simulated rooms.")
    ] = None,
    bundle: Annotated[
        str, typer.Option(help="Name of an embedded bundle, or path of a bundle folder.")
    ] = "nano",
    rooms: Annotated[int, typer.Option(help="Simulated rooms to visit.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the first room; room i has seed + i.")] = FIRST_ROOM,
    duration: Annotated[
        float, typer.Option(help="Seconds that the camera moves; asking may take longer.")
    ] = 25.0,
) -> None:
    """Let a moving camera drive the ROS nodes, ask them, and compare the replies with the truth."""
    for name, value, least in (("rooms", rooms, 1), ("seed", seed, 0), ("duration", duration, 1.0)):
        _check_range(name, value, least)
    from ide3d_ros.cli.demo import DemoSettings, run_demo

    run_demo(DemoSettings(output, bundle, recording, rooms, seed, duration), _console())


@app.command()
def doctor(
    bundle: Annotated[
        str, typer.Option(help="Name of an embedded bundle, or path of a bundle folder.")
    ] = "nano",
    namespace: Annotated[str, typer.Option(help="Namespace of the nodes to look at; empty takes all.")] = "",
    image_topic: Annotated[
        str, typer.Option(help="Look at this camera; empty takes what perception takes.")
    ] = "",
    camera_info_topic: Annotated[
        str, typer.Option(help="Its camera_info; empty takes the one beside the images.")
    ] = "",
    rectified: Annotated[
        bool, typer.Option(help="The images are rectified (image_rect): P holds and not K.")
    ] = False,
    target_frame: Annotated[str, typer.Option(help="Frame that TF should lead to from the camera.")] = "",
    seconds: Annotated[
        float, typer.Option(help="How long to look for nodes, and then to listen; 0 leaves them alone.")
    ] = 5.0,
    json: Annotated[Path | None, typer.Option(help="File to write the findings to as well.")] = None,
) -> None:
    """Find what is wrong on this machine and with running nodes and cameras, and say how to mend it."""
    _check_range("seconds", seconds, 0.0, 600.0)
    from ide3d_ros.cli.doctor.examination import (
        Complaint,
        examine,
        is_healthy,
        print_findings,
        write_findings,
    )

    findings = examine(
        Complaint(bundle, namespace, image_topic, camera_info_topic, rectified, target_frame, seconds)
    )
    print_findings(findings, _console())
    if json is not None:
        write_findings(findings, json)
    if not is_healthy(findings):
        raise typer.Exit(1)


@app.command()
def ask(
    text: Annotated[
        str, typer.Argument(help='Such as "where is the red chair?"; empty only with --describe.')
    ] = "",
    locate: Annotated[
        bool, typer.Option("--locate", help="Take the text as an expression to be found.")
    ] = False,
    ask: Annotated[bool, typer.Option("--ask", help="Take the text as a question to be answered.")] = False,
    describe: Annotated[bool, typer.Option("--describe", help="Ask for a description.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Show the answer while it is made.")] = False,
    node: Annotated[
        str, typer.Option(help="Perception node with its namespace; without it the only one, a second later.")
    ] = "",
    camera: Annotated[str, typer.Option(help="Which of the node's cameras; without it the first.")] = "",
    timeout: Annotated[
        float, typer.Option(help="Seconds to find the node in, and again for its reply.")
    ] = 10.0,
) -> None:
    """Ask a running perception node; the wording decides what is asked, unless an option does."""
    _check_range("timeout", timeout, 0.1, 600.0)
    chosen = [name for name, on in (("locate", locate), ("ask", ask), ("describe", describe)) if on]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} exclude each other")
    if not text.strip() and not describe:
        raise UsageError('what shall be asked? For example: ide3d ask "where is the red chair?"')
    from ide3d_ros.cli.wording import ASK, request_for

    request = request_for(text, *chosen)
    if stream and request.kind != ASK:
        raise UsageError(f"--stream is for questions, and this is a request to {request.kind}; see --ask")
    from ide3d_ros.cli.ask import AskSettings, run_ask

    if not run_ask(AskSettings(request, node, timeout, stream, camera), _console()):
        raise typer.Exit(1)


@app.command()
def run(
    params: Annotated[
        list[Path], typer.Option(help="Parameter file of a node; give one for each node, or one with all.")
    ],
    namespace: Annotated[str, typer.Option(help="Namespace of every node.")] = "",
    remap: Annotated[
        list[str] | None, typer.Option(help="FROM:=TO, for every node; may be repeated.")
    ] = None,
) -> None:
    """Run nodes in this process, those that the parameter files are for, until Ctrl-C."""
    from ide3d_ros.cli.node_plans import plan_nodes

    plans = plan_nodes(params, namespace=namespace, remaps=remap or [])
    from ide3d_ros.cli.run import run_nodes

    run_nodes(plans, _console())


@app.command()
def offline(
    bag: Annotated[Path, typer.Argument(help="An .mcap file of ROS 2 messages.")],
    questions: Annotated[
        Path, typer.Argument(help="What to ask at which frames; docs/offline.md shows how.")
    ],
    output: Annotated[Path, typer.Option(help="JSON file for the answers.")],
    bundle: Annotated[
        str, typer.Option(help="Name of an embedded bundle, or path of a bundle folder.")
    ] = "nano",
    window: Annotated[int, typer.Option(help="Newest frames that a question is asked about.")] = 1,
    threads: Annotated[int, typer.Option(help="CPU threads of the engine.")] = 1,
    pictures: Annotated[Path | None, typer.Option(help="Folder for a picture of each answer.")] = None,
    timings: Annotated[Path | None, typer.Option(help="JSON file for the times, which never repeat.")] = None,
) -> None:
    """Answer questions about a recorded bag without a ROS graph; two runs give the same bytes."""
    _check_range("window", window, 1)
    _check_range("threads", threads, 1, 256)
    from ide3d_ros.cli.offline.run import OfflineSettings, run_offline

    run_offline(
        OfflineSettings(bag, questions, output, bundle, window, threads, pictures, timings), _console()
    )


@app.command()
def bench(
    context: typer.Context,
    bundle: Annotated[
        str, typer.Option(help="Name of an embedded bundle, or path of a bundle folder.")
    ] = "nano",
    engine: Annotated[str, typer.Option(help="auto, or the name of an engine.")] = "auto",
    window: Annotated[
        int, typer.Option(help="Frames that a question is asked about; a network's are 32.")
    ] = 8,
    phrases: Annotated[int, typer.Option(help="Phrases of the largest vocabulary.")] = 20,
    repetitions: Annotated[
        int, typer.Option(help="Times that each case is measured; a network's are 3.")
    ] = 20,
    threads: Annotated[int, typer.Option(help="CPU threads of the engine; 0 takes all cores.")] = 0,
    width: Annotated[int, typer.Option(help="Width of the frames, pixels.")] = 640,
    height: Annotated[int, typer.Option(help="Height of the frames, pixels.")] = 480,
    seconds: Annotated[
        float, typer.Option(help="How long to show frames to a perception node, in each way; 0 needs no ROS.")
    ] = 10.0,
    rate: Annotated[float, typer.Option(help="Frames a second of the node's cameras.")] = 30.0,
    cameras: Annotated[int, typer.Option(help="Cameras of the node in the last part; 1 skips it.")] = 2,
    network: Annotated[
        str,
        typer.Option(help="A full-size network in place of a bundle: hf:NAME; docs/full_size.md lists them."),
    ] = "",
    dual_encoder: Annotated[
        bool, typer.Option("--dual-encoder", help="With --network: measure a second, frozen encoder too.")
    ] = False,
    device: Annotated[str, typer.Option(help="With --network: auto, cpu or cuda.")] = "auto",
    dtype: Annotated[str, typer.Option(help="With --network: bfloat16, float16 or float32.")] = "bfloat16",
    answer_tokens: Annotated[int, typer.Option(help="With --network: tokens of an answer.")] = 64,
    json: Annotated[Path | None, typer.Option(help="File for the figures, machine and versions.")] = None,
) -> None:
    """Measure where the milliseconds go: each stage, first question against follow-up, vocabularies."""
    for name, value, least, most in (
        ("window", window, 1, 64),
        ("phrases", phrases, 1, 64),
        ("repetitions", repetitions, 1, 100_000),
        ("threads", threads, 0, 256),
        ("width", width, 16, 8192),
        ("height", height, 16, 8192),
        ("seconds", seconds, 0.0, 3600.0),
        ("rate", rate, 0.1, 120.0),
        ("cameras", cameras, 1, 16),
        ("answer-tokens", answer_tokens, 1, 4096),
    ):
        _check_range(name, value, least, most)
    if network:
        _refuse_options(context, _OF_BUNDLES, "is not for networks; leave it out with --network")
        from ide3d_ros.cli.bench.full_size import FullSizeSettings, run_full_size_bench

        run_full_size_bench(
            FullSizeSettings(
                network,
                frames=window if _is_given(context, "window") else 32,
                dual_encoder=dual_encoder,
                device=device,
                dtype=dtype,
                answer_tokens=answer_tokens,
                repetitions=repetitions if _is_given(context, "repetitions") else 3,
                threads=threads,
                json=json,
            ),
            _console(),
        )
        return
    _refuse_options(context, _OF_NETWORKS, "is for networks; see --network")
    from ide3d_ros.cli.bench.run import BenchSettings, run_bench

    settings = BenchSettings(
        *(bundle, engine, window, phrases, repetitions, threads, width, height),
        *(seconds, rate, cameras, json),
    )
    run_bench(settings, _console())


@app.command()
def build_engine(
    bundle: Annotated[
        str, typer.Option(help="Name of an embedded bundle, or path of a bundle folder.")
    ] = "nano",
    force: Annotated[
        bool, typer.Option("--force", help="Build also what is there and fits already.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--list", help="Build nothing; list the plans that are there.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Build nothing; remove the plans that are of no use here.")
    ] = False,
    compute_capability: Annotated[
        list[str] | None,
        typer.Option(
            help="Of GPUs that TensorRT-RTX builds for: 8.9, say; may be repeated. Without it 8.0 and later."
        ),
    ] = None,
    plans: Annotated[
        Path | None, typer.Option(help="Folder of the plans; without it IDE3D_PLANS, or the user's cache.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="File to write the outcome to as well.")] = None,
) -> None:
    """Build the TensorRT plans of a bundle for this robot's GPU; nothing else ever builds them."""
    chosen = [name for name, on in (("force", force), ("list", show), ("prune", prune)) if on]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} exclude each other")
    if compute_capability and (show or prune):
        raise UsageError(f"--compute-capability is for building, not for --{chosen[0]}")
    from ide3d_ros.cli.build_engine import PlanSettings, build_plans, list_plans, prune_plans

    act = list_plans if show else prune_plans if prune else build_plans
    act(PlanSettings(bundle, force, tuple(compute_capability or ()), plans, json), _console())


def main() -> None:
    """Run the command line; every expected failure ends in one line on stderr and a status that is not 0."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        # Some versions of typer return an exit status, Ctrl-C's among them, and others raise.
        status = app(prog_name="ide3d", standalone_mode=False)
        if status == _INTERRUPTED:
            raise KeyboardInterrupt
        sys.exit(status)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted", _INTERRUPTED)
    except UsageError as error:
        _fail(str(error), 2)
    except Exception as error:
        _fail(*_explained(error))


def _check_range(name: str, value: float, least: float, most: float = math.inf) -> None:
    """Raise UsageError unless an option's number lies in a range; not a number lies in none."""
    if not value >= least:
        raise UsageError(f"--{name} must be at least {least:g}, not {value:g}")
    if not value <= most:
        raise UsageError(f"--{name} must be at most {most:g}, not {value:g}")


def _is_given(context: typer.Context, name: str) -> bool:
    """Say whether an option was typed, and has not merely its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _refuse_options(context: typer.Context, names: tuple[str, ...], why: str) -> None:
    """Raise UsageError if one of these options was typed."""
    for name in names:
        if _is_given(context, name):
            raise UsageError(f"--{name.replace('_', '-')} {why}")


def _console() -> Console:
    from rich.console import Console

    console = Console(markup=False)
    if not console.is_terminal:  # a log has room for the table; 80 columns would fold every cell of it
        console.width = 140
    return console


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _explained(error: Exception) -> tuple[str, int]:
    """Turn an expected failure into its line and exit status; raise any other again, with its traceback."""
    # Bad options: typer carries its own copy of click, whose errors know how to say themselves.
    usage = getattr(error, "format_message", None)
    if usage is not None:
        return usage(), 2
    # A module that was never imported has raised nothing, and may not even be importable here.
    for module, name in _EXPECTED:
        if module in sys.modules and isinstance(error, getattr(sys.modules[module], name)):
            return str(error), 1
    raise error


def _fail(message: str, status: int) -> None:
    print(f"ide3d: {message}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
