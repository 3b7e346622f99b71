"""python -m eval.train_reader DATA BASE OUT: train the default reader on a GPU, from what `python -m eval.reader_data` collected.

BASE is a folder with config.json, tokenizer.json and model.safetensors of all-MiniLM-L6-v2. OUT gets weights.safetensors, or with
--fold N readings.jsonl.gz: what a reader that was trained without every fifth article, the Nth first, makes of the questions about
those; eval/fit.py fits the weights beside the reader on them. It stands by itself: eval/reader_examples.py, torch, transformers,
tokenizers and safetensors are all that it imports. The defaults are those of the reader that is published (qa/reader_minilm/README.md).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from transformers import BertConfig, BertModel

from eval.reader_examples import FOLDS, Batch, Examples, Row, Source, collate

_SETS = ("squad2_fit", "squadshifts_reddit", "squadshifts_amazon", "clapnq_fit")
_NEVER = -1e4
# Parts of a batch that run by themselves, by length: less padding.
_PARTS = 3


class Reader(nn.Module):
    """The model, a head over the mean of a sentence, one over its tokens, one for nothing, and one that marks the span while it learns."""

    def __init__(self, base: Path) -> None:
        super().__init__()
        self.bert = BertModel(BertConfig.from_json_file(base / "config.json"), add_pooling_layer=False)
        held = {name: tensor.float() for name, tensor in load_file(base / "model.safetensors").items() if "pooler" not in name}
        self.bert.load_state_dict(held, strict=False)
        for tensor in self.bert.embeddings.parameters():
            tensor.requires_grad = False
        size = self.bert.config.hidden_size
        self.head = nn.ModuleDict({name: nn.Linear(size, 1) for name in ("sentence", "token", "cls")})
        self.span = nn.Linear(size, 2)
        for name, tensor in [*self.head.named_parameters(), *self.span.named_parameters()]:
            nn.init.normal_(tensor, std=0.02 if name.endswith("weight") else 0.0)

    def forward(self, batch: Batch, sentences: int) -> tuple[Tensor, Tensor]:
        """float[rows, sentences] log-odds, and float[rows, tokens, 2] logits of where the answer starts and ends."""
        x = self.bert(input_ids=batch.ids, token_type_ids=batch.kinds, attention_mask=batch.mask).last_hidden_state.float()
        inside = functional.one_hot(batch.where + 1, sentences + 1)[..., 1:].float()
        means = torch.einsum("bls,bld->bsd", inside, x) / inside.sum(1).clamp(min=1)[..., None]
        tokens = self.head["token"](x).masked_fill(inside == 0, _NEVER)
        scores = self.head["sentence"](means).squeeze(-1) + torch.logsumexp(tokens, 1) - self.head["cls"](x[:, 0])
        outside = (batch.where < 0) & (torch.arange(batch.ids.shape[1], device=x.device) > 0)
        return scores, self.span(x).masked_fill(outside[..., None], _NEVER)


def _surprise(scores: Tensor, gold: Tensor, real: Tensor) -> Tensor:
    """float[rows]: -log of what is given to the gold sentences of a row, or to nothing, at 0, where it has none."""
    nothing = torch.zeros_like(scores[:, :1])
    every = torch.logsumexp(torch.cat([nothing, scores.masked_fill(~real, _NEVER)], 1), 1)
    return every - torch.where(gold.any(1), torch.logsumexp(scores.masked_fill(~gold, _NEVER), 1), nothing[:, 0])


def _loss(reader: Reader, batch: Batch) -> Tensor:
    """Each passage by itself, all passages of a question together, and the span."""
    order = torch.argsort(batch.mask.sum(1))
    scores, spans = [], []
    for part in torch.tensor_split(order, _PARTS):
        here = batch.at(part)
        score, span = reader(here, batch.gold.shape[1])
        scores.append(score.float())
        spans.append(functional.cross_entropy(span, here.span, reduction="none").mean(1))
    back = torch.argsort(order)
    score, span = torch.cat(scores)[back], torch.cat(spans)[back]
    marked = ~batch.gold.any(1) | (batch.span[:, 0] > 0)
    alone = _surprise(score, batch.gold, batch.real).mean()
    together = _surprise(*(batch.by_question(tensor) for tensor in (score, batch.gold, batch.real))).mean()
    return 0.5 * alone + 0.5 * together + 0.3 * (span * marked).sum() / marked.sum().clamp(min=1)


@dataclass
class _Trainer:
    """A reader and its examples on a device, and the options."""

    reader: Reader
    examples: Examples
    device: str
    options: argparse.Namespace

    def train(self) -> None:
        options, parameters = self.options, [one for one in self.reader.parameters() if one.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=options.lr, weight_decay=0.01, betas=(0.9, 0.98))
        steps = math.ceil(len(self.examples) / options.batch) * options.epochs
        rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min(1, (n + 1) / (0.06 * steps + 1)) * max(0.02, 1 - n / steps))
        for epoch in range(options.epochs):
            self.examples.epoch, total = epoch, 0.0
            self.reader.train()
            for batch in DataLoader(self.examples, options.batch, shuffle=True, collate_fn=collate, num_workers=options.workers):
                with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
                    loss = _loss(self.reader, batch.to(self.device))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                rate.step()
                total += float(loss.detach())
            print(f"epoch {epoch + 1} of {options.epochs}: loss {total * options.batch / len(self.examples):.3f}", flush=True)

    @torch.no_grad()
    def scores(self, rows: list[Row]) -> list[list[float]]:
        """The log-odds of each row's sentences."""
        self.reader.eval()
        found: list[list[float]] = []
        for first in range(0, len(rows), 256):
            batch = collate([rows[first : first + 256]]).to(self.device)
            score, _ = self.reader(batch, batch.gold.shape[1])
            found += [one[real].tolist() for one, real in zip(score.float(), batch.real, strict=True)]
        return found


def _write_readings(trainer: _Trainer, sources: list[Source], file: Path) -> None:
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        for source in sources:
            for question in source.held_out(trainer.options.fold):
                numbers = list(dict.fromkeys([*source.own(question), *question["found"]]))
                rows = [trainer.examples.whole(source, number, question) for number in numbers]
                for number, scores in zip(numbers, trainer.scores(rows), strict=True):
                    key = hashlib.sha256("\n".join([question["text"], *source.sentences(number)]).encode()).hexdigest()[:16]
                    lines.write(json.dumps({"question": question["text"], "key": key, "scores": scores}) + "\n")


def _write_weights(reader: Reader, file: Path) -> None:
    """The tensors that changed, in half precision; the span's head has done its work."""
    held = {name.removeprefix("bert."): tensor for name, tensor in reader.state_dict().items() if not name.startswith("span.")}
    save_file({name: tensor.half().contiguous().cpu() for name, tensor in held.items() if not name.startswith("embeddings.")}, file)


def main(arguments: list[str] | None = None) -> None:
    """Train, and write what was asked for."""
    options = _options().parse_args(arguments)
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer: Any = Tokenizer.from_file(str(options.base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    sources = [Source(options.data / f"{name}.json.gz", tokenizer) for name in _SETS]
    trainer = _Trainer(Reader(options.base).to(device), Examples(sources, tokenizer, options.fold, options.seed), device, options)
    trainer.train()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.fold is None:
        _write_weights(trainer.reader, options.out / "weights.safetensors")
    else:
        _write_readings(trainer, sources, options.out / "readings.jsonl.gz")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "base", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--fold", type=int, choices=range(FOLDS), help="leave out a fifth of the articles, and read those")
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=48, help="questions, each with its passages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    return parser


if __name__ == "__main__":
    main()
