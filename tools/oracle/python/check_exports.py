"""Checks that Python's transformers loads what `pruning-bias export` writes, and computes the same with it.

    python check_exports.py --models ../golden/models --families ../golden/families

Exports every checkpoint in every type, and as ONNX, with this repository's command line; loads each with transformers
(4 or 5, whichever is installed), whose loading report must be empty; compares outputs with those of the original folder,
and the ONNX model's (onnx's reference evaluator, or onnxruntime where installed) at several sizes. Prints the largest
differences, and ends with 1 where one is too large.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import AutoTokenizer

CLI = Path(__file__).resolve().parents[3] / "packages/cli/src/main.ts"
TOLERANCE = {"float32": 1e-6, "float16": 0.05, "bfloat16": 0.5, "onnx": 1e-4}


def load(folder):
    architecture = json.loads((folder / "config.json").read_text())["architectures"][0]
    model, report = getattr(transformers, architecture).from_pretrained(folder, output_loading_info=True)
    troubles = {kind: sorted(map(str, names)) for kind, names in report.items() if names}
    return model.float().eval(), troubles


def batch(B, S, vocabulary, types):
    generator = torch.Generator().manual_seed(B * 100 + S)
    ids = torch.randint(5, vocabulary, (B, S), generator=generator)
    mask = torch.ones_like(ids)
    if B > 1 and S > 2:
        mask[1, S // 2:] = 0
    return dict(input_ids=ids, attention_mask=mask, **({"token_type_ids": torch.zeros_like(ids)} if types else {}))


def outputs(model, inputs):
    with torch.no_grad():
        result = model(**inputs, output_hidden_states=True)
    found = {"last_hidden_state": result.hidden_states[-1].numpy()}
    logits = [value for key, value in result.items() if key in ("logits", "prediction_logits")]
    if logits:
        found["logits"] = logits[0].numpy()
    return found


def run_onnx(path, inputs):
    import onnx
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    names = [one.name for one in model.graph.input]
    feeds = {name: inputs.get(name, torch.zeros_like(inputs["input_ids"])).numpy() for name in names}
    try:
        import onnxruntime
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return dict(zip([one.name for one in session.get_outputs()], session.run(None, feeds)))
    except ImportError:
        from onnx.reference import ReferenceEvaluator
        evaluator = ReferenceEvaluator(model)
        return dict(zip(evaluator.output_names, evaluator.run(None, feeds)))


def worst(ours, theirs, mask):
    largest = 0.0
    for name, expected in theirs.items():
        got = ours[name]
        if expected.shape[:2] == tuple(mask.shape):
            got, expected = got[mask.numpy() == 1], expected[mask.numpy() == 1]
        largest = max(largest, float(np.abs(got - expected).max()))
    return largest


def check(folder, name):
    """Largest difference by kind, and what transformers had to report."""
    original, _ = load(folder)
    config = original.config
    types = getattr(config, "type_vocab_size", 0) > 1
    inputs = batch(3, 17, config.vocab_size, types)
    expected = outputs(original, inputs)
    found, reports = {}, []
    with tempfile.TemporaryDirectory() as temporary:
        for dtype in ("float32", "float16", "bfloat16"):
            to = Path(temporary) / dtype
            extra = ["--onnx"] if dtype == "float32" else ["--dtype", dtype]
            subprocess.run(["node", CLI, "export", folder, "--to", to, *extra], check=True, stderr=subprocess.DEVNULL)
            model, troubles = load(to)
            reports += [f"{dtype}: {kind}: {names}" for kind, names in troubles.items()]
            found[dtype] = worst(outputs(model, inputs), expected, inputs["attention_mask"])
            if (to / "tokenizer.json").exists():
                AutoTokenizer.from_pretrained(to)
        found["onnx"] = 0.0
        for B, S in ((1, 1), (3, 17), (2, 5)):
            inputs = batch(B, S, config.vocab_size, types)
            computed = run_onnx(str(Path(temporary) / "float32/onnx/model.onnx"), inputs)
            found["onnx"] = max(found["onnx"], worst(computed, outputs(original, inputs), inputs["attention_mask"]))
    print(f"{name:38}", "  ".join(f"{kind} {value:.1e}" for kind, value in found.items()), *reports)
    return not reports and all(value <= TOLERANCE[kind] for kind, value in found.items())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--families", type=Path)
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    folders = [path.parent for path in sorted(arguments.models.glob("*/*/config.json"))]
    if arguments.families is not None:
        folders += [path.parent for path in sorted(arguments.families.glob("*/config.json"))]
    passed = [check(folder.resolve(), f"{folder.parent.name}/{folder.name}") for folder in folders]
    print(f"{sum(passed)} of {len(passed)} as the original")
    sys.exit(0 if all(passed) else 1)
