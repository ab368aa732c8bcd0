"""Loads a compact model in Python: a Hugging Face folder whose config.json has `compact_layers`.

    from load_compact import load_compact
    model = load_compact("DIR")          # the encoder, a transformers model in evaluation mode
    model(input_ids=…, attention_mask=…).last_hidden_state

    python load_compact.py DIR [--beside DENSE_DIR]     prints its sizes, and how far it is from the dense model

BERT, RoBERTa, ELECTRA, DistilBERT and ALBERT. Each layer's attention has `heads` heads, queries and keys `query_size` wide and
values `value_size`; `uniform_size` values belong to heads that attend to all real tokens alike, and the feed-forward
network has `intermediate_size` neurons. What is 0 is not stored. Needs torch, transformers 4.x and safetensors.
"""
import argparse
import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoConfig, AutoModel
from transformers.activations import ACT2FN

# A layer's parts: query, key, value, output of the attention, its LayerNorm; the network's two matrices, its LayerNorm.
BERT = dict(
    layer="encoder.layer.{}.", query="attention.self.query", key="attention.self.key", value="attention.self.value",
    output="attention.output.dense", norm="attention.output.LayerNorm", inner="intermediate.dense", outer="output.dense",
    last="output.LayerNorm")
NAMES = {
    "bert": BERT, "roberta": BERT, "electra": BERT,
    "distilbert": dict(
        layer="transformer.layer.{}.", query="attention.q_lin", key="attention.k_lin", value="attention.v_lin",
        output="attention.out_lin", norm="sa_layer_norm", inner="ffn.lin1", outer="ffn.lin2", last="output_layer_norm"),
    "albert": dict(
        layer="encoder.albert_layer_groups.{}.albert_layers.0.", query="attention.query", key="attention.key",
        value="attention.value", output="attention.dense", norm="attention.LayerNorm", inner="ffn", outer="ffn_output",
        last="full_layer_layer_norm"),
}


class CompactLayer(nn.Module):
    """x ← norm(x + O·heads(x) + uniform(x) + b); x ← norm(x + W₂·act(W₁x + b₁) + b₂)."""

    def __init__(self, sizes, tensors, names, activation, eps):
        super().__init__()
        self.heads, self.activation, self.eps = sizes["heads"], activation, eps
        self.scale = 1 / math.sqrt(max(sizes["query_size"], 1))
        parts = dict(names, uniform_value="attention.uniform.value", uniform_output="attention.uniform.output")
        for part, name in parts.items():
            for kind in ("weight", "bias"):
                self.register_buffer(f"{part}_{kind}", tensors.get(f"{name}.{kind}"))

    def linear(self, x, part):
        weight, bias = getattr(self, f"{part}_weight"), getattr(self, f"{part}_bias")
        if weight is None:
            return bias.expand(*x.shape[:-1], -1)
        return nn.functional.linear(x, weight, bias)

    def norm_of(self, x, part):
        weight = getattr(self, f"{part}_weight")
        return nn.functional.layer_norm(x, weight.shape, weight, getattr(self, f"{part}_bias"), self.eps)

    def attend(self, x, mask):
        batch, tokens, _ = x.shape
        if self.heads == 0:
            return self.linear(x, "output")
        split = lambda y: y.view(batch, tokens, self.heads, -1).transpose(1, 2)
        q, k, v = (split(self.linear(x, part)) for part in ("query", "key", "value"))
        scores = (q @ k.transpose(2, 3)) * self.scale
        scores = scores.masked_fill(mask[:, None, None, :] == 0, torch.finfo(x.dtype).min)
        context = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, tokens, -1)
        return self.linear(context, "output")

    def forward(self, x, mask):
        attended = self.attend(x, mask)
        if self.uniform_value_weight is not None:
            shares = mask.to(x.dtype) / mask.sum(1, keepdim=True).clamp(min=1)
            mean = (shares[:, :, None] * x).sum(1)
            attended = attended + self.linear(self.linear(mean, "uniform_value"), "uniform_output")[:, None]
        x = self.norm_of(x + attended, "norm")
        inner = x if self.inner_weight is None else self.activation(self.linear(x, "inner"))
        return self.norm_of(x + (self.outer_bias if self.inner_weight is None else self.linear(inner, "outer")), "last")


class CompactEncoder(nn.Module):
    """The model's embeddings, and compact layers after them; ALBERT's layers run more than once."""

    def __init__(self, embeddings, projection, sets, layers):
        super().__init__()
        self.embeddings, self.projection, self.sets, self.layers = embeddings, projection, nn.ModuleList(sets), layers

    def forward(self, input_ids, attention_mask=None, **others):
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        x = self.embeddings(input_ids=input_ids, **others)
        x = x if self.projection is None else self.projection(x)
        states = [x]
        for layer in range(self.layers):
            states.append(self.sets[layer * len(self.sets) // self.layers](states[-1], mask))
        return type("Output", (), dict(last_hidden_state=states[-1], hidden_states=states))


def load_compact(directory):
    """The encoder of a compact model, in evaluation mode."""
    config = AutoConfig.from_pretrained(directory)
    sizes = json.loads((Path(directory) / "config.json").read_text()).get("compact_layers")
    if sizes is None:
        raise SystemExit(f"error: {directory}: expected compact_layers in config.json, got none (AutoModel loads it)")
    tensors = {name.removeprefix(f"{config.model_type}."): t for name, t in load_file(Path(directory) / "model.safetensors").items()}
    whole = AutoModel.from_config(config).eval()
    known = {name: t for name, t in tensors.items() if name.startswith(("embeddings", "encoder.embedding_hidden_mapping_in"))}
    unexpected = whole.load_state_dict(known, strict=False).unexpected_keys
    assert not unexpected, unexpected
    names = dict(NAMES[config.model_type])
    prefix = names.pop("layer")
    activation = getattr(config, "hidden_act", None) or config.activation
    eps = getattr(config, "layer_norm_eps", 1e-12)
    sets = []
    for index, own in enumerate(sizes):
        start = prefix.format(index)
        inside = {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}
        sets.append(CompactLayer(own, inside, names, ACT2FN[activation], eps))
    projection = getattr(whole, "embeddings_project", None)
    if config.model_type == "albert":
        projection = whole.encoder.embedding_hidden_mapping_in
    return CompactEncoder(whole.embeddings, projection, sets, config.num_hidden_layers).eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory")
    parser.add_argument("--beside", help="the dense model of the same run")
    args = parser.parse_args()
    compact = load_compact(args.directory)
    report = {"parameters": sum(t.numel() for t in compact.state_dict().values())}
    if args.beside:
        dense = AutoModel.from_pretrained(args.beside, attn_implementation="eager").eval()
        torch.manual_seed(0)
        ids = torch.randint(5, dense.config.vocab_size, (4, 16))
        mask = torch.ones_like(ids)
        mask[1:, 12:] = 0
        ids[mask == 0] = dense.config.pad_token_id
        with torch.no_grad():
            a = compact(input_ids=ids, attention_mask=mask).last_hidden_state
            b = dense(input_ids=ids, attention_mask=mask).last_hidden_state
        report["max_abs_compact_minus_dense"] = (a - b)[mask == 1].abs().max().item()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
