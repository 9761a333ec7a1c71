"""Run the same weights in ONNX Runtime, OpenVINO and PaddlePaddle beside SR Desk's engine, on the CPU.

    python -m pip install --target PEERS -r tests/bench/peers-requirements.txt
    PYTHONPATH=PEERS python tests/bench/peers.py --threads 2

Every way gets a process of its own, since the packages bring thread pools that disturb each other, and the same number
of threads. The first run is compared with the plain float32 network in torch; then all ways run once in each round, and
medians are told. ONNX Runtime and OpenVINO read the file that `srdesk models export` writes. PaddlePaddle does not read
ONNX: the network is rebuilt from that file, operator by operator, as a static program that `paddle.inference` runs with
oneDNN. The status is 1 if a float32 way is off by more than 1e-4. For Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import numpy as np

TOLERANCE = 1e-4
"""Largest difference to the plain float32 network that a float32 way may have."""

REFERENCE = "torch, plain network"
ENGINE = "SR Desk"

Run = Callable[[], np.ndarray]
"""Enlarges the picture and returns `(1, 3, H, W)`."""


def torch_way(job: argparse.Namespace, lr: np.ndarray) -> Run:
    import torch

    from srdesk.engine.weights import load_model

    torch.set_num_threads(job.threads)
    model, _ = load_model(job.weights)
    pixels = torch.from_numpy(lr)
    return torch.inference_mode()(lambda: model(pixels).numpy())


def engine_way(job: argparse.Namespace, lr: np.ndarray) -> Run:
    from srdesk.engine.upscaler import Upscaler
    from srdesk.imaging.image import Image, ImageSink

    upscaler = Upscaler.from_weights(job.weights, device="cpu", precision=job.precision, threads=job.threads)
    image = Image(np.ascontiguousarray(lr[0].transpose(1, 2, 0)))
    height, width = image.height * upscaler.scale, image.width * upscaler.scale

    def run() -> np.ndarray:
        sink = ImageSink(height, width, image.channels)
        upscaler.upscale(image, sink)
        return sink.pixels.transpose(2, 0, 1)[None]

    return run


def onnxruntime_way(job: argparse.Namespace, lr: np.ndarray) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
    session = onnxruntime.InferenceSession(job.onnx, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"lr": lr})[0]


def openvino_way(job: argparse.Namespace, lr: np.ndarray) -> Run:
    import openvino

    core = openvino.Core()
    network = core.read_model(job.onnx)
    network.reshape(list(lr.shape))
    precision = {"fp32": "f32", "bf16": "bf16"}[job.precision]
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": job.threads,
        "INFERENCE_PRECISION_HINT": precision,
    }
    request = core.compile_model(network, "CPU", options).create_infer_request()
    return lambda: request.infer({"lr": lr})["sr"]


def paddle_way(job: argparse.Namespace, lr: np.ndarray) -> Run:
    import onnx
    import paddle
    from paddle import inference

    paddle.enable_static()
    main, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, startup):
        data = paddle.static.data("lr", list(lr.shape), "float32")
        sr = paddle_network(onnx.load(job.onnx).graph, data)
        executor = paddle.static.Executor(paddle.CPUPlace())
        executor.run(startup)
        prefix = f"{job.onnx}.paddle"
        paddle.static.save_inference_model(prefix, [data], [sr], executor, program=main)
    program = next(path for suffix in (".json", ".pdmodel") if (path := Path(prefix + suffix)).exists())
    config = inference.Config(str(program), f"{prefix}.pdiparams")
    config.disable_gpu()
    config.enable_mkldnn()
    config.set_cpu_math_library_num_threads(job.threads)
    predictor = inference.create_predictor(config)
    source = predictor.get_input_handle(predictor.get_input_names()[0])
    result = predictor.get_output_handle(predictor.get_output_names()[0])

    def run() -> np.ndarray:
        source.copy_from_cpu(lr)
        predictor.run()
        return result.copy_to_cpu()

    return run


def paddle_network(graph: Any, lr: Any) -> Any:
    """Rebuild an exported network in paddle. Whatever depends on sizes and constants only is computed by numpy."""
    import onnx
    import paddle
    from paddle.nn import functional

    values: dict[str, Any] = {"lr": lr}
    for constant in graph.initializer:
        values[constant.name] = onnx.numpy_helper.to_array(constant)

    def parameter(numbers: np.ndarray) -> Any:
        start = paddle.nn.initializer.Assign(numbers)
        return paddle.create_parameter(list(numbers.shape), "float32", default_initializer=start)

    def convolve(features: Any, weight: Any, bias: Any = None, *, pads: Any = (0,), group: int = 1, **_: Any) -> Any:
        shift = None if bias is None else parameter(bias)
        return functional.conv2d(features, parameter(weight), shift, padding=pads[0], groups=group)

    def gather(numbers: Any, index: np.ndarray, *, axis: int) -> Any:
        if isinstance(numbers, np.ndarray):
            return np.take(numbers, index, axis)
        return paddle.index_select(numbers, paddle.assign(index), axis)

    def pad(features: Any, pads: np.ndarray, **_: Any) -> Any:
        top, left, bottom, right = (int(pads[index]) for index in (2, 3, 6, 7))
        return functional.pad(features, [left, right, top, bottom], mode="replicate")

    operators: dict[str, Callable[..., Any]] = {
        "Add": lambda a, b: a + b,
        "Conv": convolve,
        "DepthToSpace": lambda features, *, blocksize, **_: functional.pixel_shuffle(features, blocksize),
        "Gather": gather,
        "Identity": lambda features: features,
        "Min": np.minimum,
        "Mod": np.mod,
        "PRelu": lambda features, slope: functional.prelu(features, parameter(slope.reshape(-1))),
        "Pad": pad,
        "Range": np.arange,
        "Relu": functional.relu,
        "Shape": lambda features: np.array(features.shape),
        "Sub": lambda a, b: a - b,
    }
    for node in graph.node:
        attributes = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
        values[node.output[0]] = operators[node.op_type](*(values[name] for name in node.input), **attributes)
    return values["sr"]


WAYS: dict[str, tuple[str, Callable[[argparse.Namespace, np.ndarray], Run]]] = {
    REFERENCE: ("torch", torch_way),
    ENGINE: ("torch", engine_way),
    "ONNX Runtime": ("onnxruntime", onnxruntime_way),
    "OpenVINO": ("openvino", openvino_way),
    "PaddlePaddle": ("paddlepaddle", paddle_way),
}
"""Name → the package whose version is told, and what prepares the network."""

BFLOAT16_WAYS = (ENGINE, "OpenVINO")
"""Those that compute in bfloat16 as well, where the CPU multiplies it in hardware; by default, both do."""


def work(job: argparse.Namespace) -> None:
    """Be a child: prepare, keep the first result, then run once for each line of stdin. One JSON line for each."""
    wire = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what packages print is not for the parent
    package, prepare = WAYS[job.way]
    try:
        run = prepare(job, np.load(job.folder / "lr.npy"))
        np.save(job.result, run())
    except Exception as error:  # noqa: BLE001 - whatever a package fails with is told in the table
        wire.write(json.dumps({"problem": f"{type(error).__name__}: {error}".splitlines()[0][:80]}) + "\n")
        return
    wire.write(json.dumps({"version": version(package)}) + "\n")
    for _ in sys.stdin:
        started_s = time.perf_counter()
        run()
        seconds = time.perf_counter() - started_s
        wire.write(json.dumps({"seconds": seconds, "peak_mib": peak_mib()}) + "\n")


def peak_mib() -> int:
    """Return the most memory that this process has had; that of `getrusage` begins with its parent's."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return int(fields["VmHWM"].split()[0]) // 1024


class Child:
    """One way in a process of its own."""

    def __init__(self, way: str, precision: str, options: argparse.Namespace, folder: Path) -> None:
        self.row: dict[str, Any] = {"way": way, "precision": precision}
        self.seconds: list[float] = []
        self.result = folder / f"{way}-{precision}.npy"
        words = ["--way", way, "--precision", precision, "--weights", str(options.weights), "--folder", str(folder)]
        words += ["--onnx", str(folder / "weights.onnx"), "--threads", str(options.threads), "--result"]
        count = str(options.threads)
        threads = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OMP_WAIT_POLICY": "PASSIVE"}
        self._process = subprocess.Popen(
            [sys.executable, __file__, *words, str(self.result)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / f"{way}-{precision}.log").open("w"),
            env=os.environ | threads,
            text=True,
            bufsize=1,
        )
        self.row |= self._answer()

    @property
    def is_usable(self) -> bool:
        return "problem" not in self.row

    def time_once(self) -> None:
        """Run once."""
        stdin: IO[str] | None = self._process.stdin
        assert stdin is not None
        stdin.write("run\n")
        answer = self._answer()
        if self.is_usable and "seconds" in answer:
            self.seconds.append(answer.pop("seconds"))
        self.row |= answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"problem": f"ended with status {self._process.wait()}"}
        return answer


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run all ways in interleaved rounds; one row for each, those that do not work with the reason."""
    from srdesk.engine.bench import synthetic_picture
    from srdesk.engine.device import has_fast_bfloat16
    from srdesk.engine.onnx_file import export_onnx

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pixels = synthetic_picture(options.size).pixels
        np.save(folder / "lr.npy", np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))
        export_onnx(options.weights, folder / "weights.onnx")
        pairs = [(way, "fp32") for way in WAYS]
        pairs += [(way, "bf16") for way in BFLOAT16_WAYS if has_fast_bfloat16()]
        children = [Child(way, precision, options, folder) for way, precision in pairs]
        for _ in range(options.rounds):
            for child in children:
                if child.is_usable:
                    child.time_once()
        for child in children:
            child.close()
        expected = np.load(children[0].result)
        for child in children:
            if child.is_usable:
                # Ours hands out pictures, and so clips to [0, 1]; the files and the plain network do not.
                wanted = expected.clip(0.0, 1.0) if child.row["way"] == ENGINE else expected
                child.row["seconds"] = statistics.median(child.seconds)
                child.row["fastest_s"], child.row["slowest_s"] = min(child.seconds), max(child.seconds)
                child.row["largest_difference"] = float(np.abs(np.load(child.result) - wanted).max())
        rows = [child.row for child in children]
    ours = next(row["seconds"] for row in rows if row["way"] == ENGINE)
    for row in rows:
        row["times_ours"] = row["seconds"] / ours if "seconds" in row else None
    return rows


HEADS = ("", "version", "numbers", "median", "fastest – slowest", "× SR Desk fp32", "peak memory", "largest difference")


def cells(rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    """Write the rows as texts."""
    for row in rows:
        start = [row["way"], row.get("version", "–"), row["precision"]]
        if "problem" in row:
            yield [*start, f"did not run: {row['problem']}", "", "", "", ""]
        else:
            times = [f"{row['seconds']:.2f} s", f"{row['fastest_s']:.2f} – {row['slowest_s']:.2f} s"]
            facts = [f"{row['times_ours']:.2f}", f"{row['peak_mib']:,} MiB", f"{row['largest_difference']:.1e}"]
            yield [*start, *times, *facts]


def print_rows(rows: list[dict[str, Any]], *, is_markdown: bool) -> None:
    """Print one table."""
    lines = [list(HEADS), *cells(rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    for number, line in enumerate(lines):
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
        sys.stdout.write(f"| {' | '.join(padded)} |\n" if is_markdown else f"{'  '.join(padded).rstrip()}\n")
        if number == 0 and is_markdown:
            sys.stdout.write("|" + "|".join("-" * (width + 2) for width in widths) + "|\n")


def main() -> int:
    """Measure; the status says whether every float32 way that ran computed the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="srresnet", help="weights to run (default: srresnet)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of every way (default 2)")
    parser.add_argument("--size", type=int, default=512, help="side of the picture in pixels (default 512)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--markdown", action="store_true", help="print a Markdown table")
    for name in ("--way", "--precision"):  # of children
        parser.add_argument(name, help=argparse.SUPPRESS)
    for name in ("--weights", "--folder", "--onnx", "--result"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        work(options)
        return 0
    from srdesk.cli.model_choice import choose_model
    from srdesk.errors import SrDeskError

    try:
        options.weights = choose_model(options.model).weights
        rows = measure(options)
    except SrDeskError as error:  # the weights, or the package onnx
        raise SystemExit(f"{error}\n{error.hint}") from error
    if options.json:
        facts = {name: getattr(options, name) for name in ("model", "threads", "size", "rounds")}
        sys.stdout.write(json.dumps(facts | {"ways": rows}, indent=2) + "\n")
    else:
        title = f"{options.model}, {options.size} × {options.size} pixels, {options.threads} threads each"
        sys.stdout.write(f"{title}, median of {options.rounds} interleaved rounds\n\n")
        print_rows(rows, is_markdown=options.markdown)
    off = [row for row in rows if row["precision"] == "fp32" and row.get("largest_difference", 0.0) > TOLERANCE]
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main())
