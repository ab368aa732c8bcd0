"""Fixtures of what the shared ones lack: heads of ALBERT and ELECTRA, and token ids of each family's own tokenizer.

    python make_families.py --models ../golden/models --out ../golden/families

Made with transformers 4.57.6, torch 2.13. Models are random and tiny; sentences are this file's.
"""

import argparse
import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import AlbertConfig, AutoTokenizer, ElectraConfig

SIZES = dict(vocab_size=60, hidden_size=16, embedding_size=8, num_hidden_layers=3, num_attention_heads=2,
             intermediate_size=24, max_position_embeddings=20, hidden_dropout_prob=0.0,
             attention_probs_dropout_prob=0.0, num_labels=3)
MODELS = {
    "albert-classification": (AlbertConfig(**SIZES, classifier_dropout_prob=0.0), "AlbertForSequenceClassification"),
    "albert-groups": (AlbertConfig(**SIZES, num_hidden_groups=2), "AlbertForPreTraining"),
    "electra-classification": (ElectraConfig(**SIZES), "ElectraForSequenceClassification"),
    "electra-relu": (ElectraConfig(**{**SIZES, "embedding_size": 16}, hidden_act="relu"), "ElectraForMaskedLM"),
}
SENTENCES = [
    "", " ", "The nurse said that she was tired.", "THE DOCTOR'S  Car\tis  red!\n", "naïve café Ångström Łódź",
    "don't can't won't I'll we've", "3.14159 1,000,000 50% $5 €6", "e.g. U.S.A. (Ph.D.) a_b-c/d\\e user@example.com",
    "``quoted'' \"again\" 'single' “curly”", "中文字 and кириллица and ελληνικά ΟΔΟΣ", "emoji 👩‍⚕️ 🙂 flags 🇩🇪",
    "zero\u200bwidth soft\u00adhyphen nbsp\u00a0here", "ﬁne ½ ² Ⅳ ①", "a" * 150, "word " * 70,
    "İstanbul ıstanbul Straße ẞ", "e\u0301 combining a\u0308", "trailing space ", "  leading", "…—–",
]
PAIRS = [("A man walks.", "A woman talks."), ("He " * 90, "She " * 90), ("One.", ""), ("Short", "longer " * 120)]


def heads(out):
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(4, 60, (3, 9), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    ids[1, 6:] = 0
    types = torch.zeros_like(ids)
    types[:, 5:] = 1
    for name, (config, architecture) in MODELS.items():
        torch.manual_seed(1)
        model = getattr(transformers, architecture)(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
            model.tie_weights()
            result = model(ids, attention_mask=mask, token_type_ids=types, output_hidden_states=True)
        model.save_pretrained(out / name)
        tensors = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types,
                   "last_hidden_state": result.hidden_states[-1]}
        for key in ("logits", "prediction_logits", "sop_logits"):
            if key in result:
                tensors[key] = result[key]
        save_file({key: value.contiguous() for key, value in tensors.items()}, out / name / "expected.safetensors")


def tokens(models, out):
    cases = {}
    for family in ("bert", "distilbert", "roberta", "albert", "electra"):
        folder = "discriminator" if family == "electra" else "masked-lm"
        tokenizer = AutoTokenizer.from_pretrained(models / family / folder, use_fast=True)
        texts = [(text, None) for text in SENTENCES] + [(f"{tokenizer.mask_token} x {tokenizer.mask_token}.", None)] + PAIRS
        rows = []
        for text, pair in texts:
            # As a batch: an empty second text still counts as one.
            given = ([text],) if pair is None else ([text], [pair])
            encoded = tokenizer(*given, truncation=True, max_length=128, return_token_type_ids=True)
            rows.append(dict(text=text, **({} if pair is None else {"pair": pair}), input_ids=encoded["input_ids"][0],
                             token_type_ids=encoded["token_type_ids"][0]))
        cases[family] = dict(tokenizer=f"models/{family}/{folder}", rows=rows)
    (out / "tokens.json").write_text(json.dumps(cases, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    heads(arguments.out)
    tokens(arguments.models, arguments.out)
