"""Loads a scores.safetensors into nn_pruning's own masked BERT, and compares what it computes with a dense export.

    python scores_into_nn_pruning.py --model DIR --scores FILE [--dense DIR]

DIR is the Hugging Face folder that was pruned, FILE the scores that a run left, and --dense the model that
`prunedCheckpoint(…, "dense")` or `pruning-bias export --form dense` made of both. Prints one JSON line. Needs torch,
transformers 4.x, safetensors, and nn_pruning (branch automodel) on PYTHONPATH; on Python 3.11 or later its
`InitDirective = InitDirective()` in masked_nn.py has to be a `field(default_factory=InitDirective)`.
"""
import argparse
import json
import types

import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModel

import nn_pruning.patch_coordinator as patching


def read_scores(path):
    """The score tensors by nn_pruning's names, and the settings of the run."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["pruning_settings"])


def sparse_arguments(settings):
    """Our settings under nn_pruning's names."""
    spelled = lambda name: name.replace("sigmoid_threshold", "sigmoied_threshold")
    attention, dense = settings["attention"], settings["dense"]
    if attention["layout"] != "blocks" or "magnitude" in (attention["method"], dense["method"]):
        raise SystemExit("error: nn_pruning crashes on joint, 1d attention and magnitude, which ours computes")
    return patching.SparseTrainingArguments(
        attention_pruning_method=spelled(attention["method"]),
        attention_block_rows=attention["block"][0],
        attention_block_cols=attention["block"][1],
        dense_pruning_method=spelled(dense["method"]) + ("" if dense["layout"] == "blocks" else ":" + dense["layout"]),
        dense_block_rows=dense["block"][0],
        dense_block_cols=dense["block"][1],
        ampere_pruning_method=spelled(settings["ampere"]),
        attention_output_with_dense=settings["attentionOutputWithDense"],
        bias_mask=settings["biasMask"],
        linear_min_parameters=settings["minElements"],
        initial_threshold=settings["initialThreshold"],
        final_threshold=settings["finalThreshold"],
    )


def masked_model(directory, scores, settings):
    """nn_pruning's model with our scores in it, at the final threshold, in evaluation mode."""
    config = AutoConfig.from_pretrained(directory)
    model = AutoModel.from_pretrained(directory, attn_implementation="eager", add_pooling_layer=False)
    patching.AutoConfig = types.SimpleNamespace(from_pretrained=lambda *_, **__: config)
    coordinator = patching.ModelPatchingCoordinator(
        sparse_args=sparse_arguments(settings), device="cpu", cache_dir=None, model_name_or_path=directory,
        logit_names="logits", teacher_constructor=None)
    coordinator.patch_model(model)
    expected = {name for name in model.state_dict() if "mask_scores" in name or "ampere_pattern" in name}
    if "disabled" not in settings["ampere"] and settings["ampere"] != "annealing":
        scores = {**{n: t for n, t in model.state_dict().items() if "ampere_pattern" in n}, **scores}
    if expected != set(scores):
        raise SystemExit(f"error: {sorted(expected ^ set(scores))[:3]}: in one of the state dicts only")
    result = model.load_state_dict(scores, strict=False)
    assert not result.unexpected_keys, result.unexpected_keys
    coordinator.schedule_threshold(training=False)
    return model.eval(), coordinator


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--scores", required=True)
    parser.add_argument("--dense")
    args = parser.parse_args()
    scores, settings = read_scores(args.scores)
    model, coordinator = masked_model(args.model, scores, settings)
    torch.manual_seed(0)
    ids = torch.randint(5, model.config.vocab_size, (4, 16))
    mask = torch.ones_like(ids)
    mask[1:, 12:] = 0
    with torch.no_grad():
        masked = model(input_ids=ids, attention_mask=mask).last_hidden_state
        report = {"score_tensors": len(scores)}
        if args.dense:
            dense = AutoModel.from_pretrained(args.dense, attn_implementation="eager", add_pooling_layer=False).eval()
            difference = (dense(input_ids=ids, attention_mask=mask).last_hidden_state - masked)[mask == 1]
            report["max_abs_dense_minus_masked"] = difference.abs().max().item()
        removed, heads = coordinator.compile_model(model)
        compiled = model(input_ids=ids, attention_mask=mask).last_hidden_state
        report.update(heads_removed_by_compile_model=removed, heads=heads,
                      max_abs_compiled_minus_masked=(compiled - masked)[mask == 1].abs().max().item())
    print(json.dumps(report))


if __name__ == "__main__":
    main()
