"""python -m eval.train_reader DATA BASE OUT: train the default reader, from what `python -m eval.reader_data` collected.

BASE is a folder with config.json, tokenizer.json and model.safetensors of all-MiniLM-L6-v2. The first stage, on a GPU, begins there. The
other two, --stage N --start WEIGHTS, go on from the weights of the stage before and learn news; two cores of a CPU do each in an hour and
a half. OUT gets weights.safetensors, and with --fold N readings.jsonl.gz: what the reader, trained without every fifth article, the Nth
first, makes of the questions about those; eval/fit.py fits the weights beside the reader on them. It stands by itself:
eval/reader_examples.py, torch, transformers, tokenizers and safetensors are all that it imports. qa/reader_minilm/README.md says how the
published reader was made.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import random
from dataclasses import dataclass, replace
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

_NEVER = -1e4
# Parts of a batch that run by themselves, by length: less padding.
_PARTS = 3
# After how many steps the loss is told.
_TOLD = 50
# One more passage than an answer is sought in (qa/assistant.py): two may be level.
_HITS = 11


@dataclass(frozen=True, slots=True)
class _Stage:
    """How often the questions of each set are gone through in an epoch, and how it learns from them.

    halfway: the weights are in the end the mean of those that it began with and those that it came to, so that less is unlearned: Wortsman
    et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
    """

    times: dict[str, float]
    rate: float
    epochs: int
    batch: int
    frozen: int
    dropout: float
    marking: float
    halfway: bool = False


# `batch` is in questions, each with its passages; `frozen` lower layers stay as they are; `dropout` is that of attention, which without it
# takes half the time on a CPU; `marking` weighs the loss of the span.
_FIRST = _Stage({"squad2_fit": 2, "squadshifts_reddit": 1, "squadshifts_amazon": 1, "clapnq_fit": 4}, 3e-4, 6, 48, 0, 0.1, 0.3)
_REPLAYED = {"squad2_fit": 0.2, "squadshifts_reddit": 0.1, "squadshifts_amazon": 0.1, "clapnq_fit": 1}
_SECOND = _Stage({"newsroom": 1, **_REPLAYED}, 1e-4, 2, 16, 2, 0.0, 0.0)
_STAGES = {1: _FIRST, 2: _SECOND, 3: replace(_SECOND, rate=2e-4, halfway=True)}


class Reader(nn.Module):
    """The model, a head over the mean of a sentence, one over its tokens, one for nothing, and one that marks the span while it learns."""

    def __init__(self, base: Path, stage: _Stage) -> None:
        super().__init__()
        config = BertConfig.from_json_file(base / "config.json")
        config.attention_probs_dropout_prob = stage.dropout
        self.bert = BertModel(config, add_pooling_layer=False)
        held = {name: tensor.float() for name, tensor in load_file(base / "model.safetensors").items() if "pooler" not in name}
        self.bert.load_state_dict(held, strict=False)
        for tensor in (*self.bert.embeddings.parameters(), *self.bert.encoder.layer[: stage.frozen].parameters()):
            tensor.requires_grad = False
        size = self.bert.config.hidden_size
        self.head = nn.ModuleDict({name: nn.Linear(size, 1) for name in ("sentence", "token", "cls")})
        self.span = nn.Linear(size, 2)
        for name, tensor in [*self.head.named_parameters(), *self.span.named_parameters()]:
            nn.init.normal_(tensor, std=0.02 if name.endswith("weight") else 0.0)

    def resume(self, weights: Path) -> None:
        """Go on from what `_write_weights` wrote."""
        self.load_state_dict(_held(weights), strict=False)

    def go_back_halfway(self, weights: Path) -> None:
        """To the mean of what it has learned and what `_write_weights` wrote."""
        now = self.state_dict()
        self.load_state_dict({name: (now[name].cpu() + tensor) / 2 for name, tensor in _held(weights).items()}, strict=False)

    def forward(self, batch: Batch, sentences: int) -> tuple[Tensor, Tensor]:
        """float[rows, sentences] log-odds, and float[rows, tokens, 2] logits of where the answer starts and ends."""
        x = self.bert(input_ids=batch.ids, token_type_ids=batch.kinds, attention_mask=batch.mask).last_hidden_state.float()
        inside = functional.one_hot(batch.where + 1, sentences + 1)[..., 1:].float()
        means = torch.einsum("bls,bld->bsd", inside, x) / inside.sum(1).clamp(min=1)[..., None]
        tokens = self.head["token"](x).masked_fill(inside == 0, _NEVER)
        scores = self.head["sentence"](means).squeeze(-1) + torch.logsumexp(tokens, 1) - self.head["cls"](x[:, 0])
        outside = (batch.where < 0) & (torch.arange(batch.ids.shape[1], device=x.device) > 0)
        return scores, self.span(x).masked_fill(outside[..., None], _NEVER)


def _held(weights: Path) -> dict[str, Tensor]:
    return {name if name.startswith("head.") else f"bert.{name}": tensor.float() for name, tensor in load_file(weights).items()}


def _surprise(scores: Tensor, gold: Tensor, real: Tensor) -> Tensor:
    """float[rows]: -log of what is given to the gold sentences of a row, or to nothing, at 0, where it has none."""
    nothing = torch.zeros_like(scores[:, :1])
    every = torch.logsumexp(torch.cat([nothing, scores.masked_fill(~real, _NEVER)], 1), 1)
    return every - torch.where(gold.any(1), torch.logsumexp(scores.masked_fill(~gold, _NEVER), 1), nothing[:, 0])


def _loss(reader: Reader, batch: Batch, marking: float) -> Tensor:
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
    return 0.5 * alone + 0.5 * together + marking * (span * marked).sum() / marked.sum().clamp(min=1)


@dataclass
class _Trainer:
    """A reader and its examples on a device, the stage, and the options."""

    reader: Reader
    examples: Examples
    stage: _Stage
    device: str
    options: argparse.Namespace

    def train(self) -> None:
        stage, parameters = self.stage, [one for one in self.reader.parameters() if one.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=stage.rate, weight_decay=0.01, betas=(0.9, 0.98))
        steps = math.ceil(len(self.examples) / stage.batch) * stage.epochs
        rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min(1, (n + 1) / (0.06 * steps + 1)) * max(0.02, 1 - n / steps))
        self.reader.train()
        recent: list[float] = []
        for epoch in range(stage.epochs):
            self.examples.begin(epoch)
            for batch in DataLoader(self.examples, stage.batch, shuffle=True, collate_fn=collate, num_workers=self.options.workers):
                with torch.autocast(self.device, torch.bfloat16):
                    loss = _loss(self.reader, batch.to(self.device), stage.marking)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                rate.step()
                recent.append(float(loss.detach()))
                if len(recent) == _TOLD:
                    print(
                        f"epoch {epoch + 1} of {stage.epochs}, step {rate.last_epoch} of {steps}: loss {sum(recent) / _TOLD:.3f}",
                        flush=True,
                    )
                    recent.clear()
            _write_weights(self.reader, self.options.out / "weights.safetensors")

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
                numbers = list(dict.fromkeys([*source.own(question), *question["found"][:_HITS]]))
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
    parser = _options()
    options = parser.parse_args(arguments)
    if bool(options.start) != (options.stage > 1):
        parser.error("the first stage begins with BASE, the others with --start WEIGHTS, those of the stage before")
    if options.start and options.start.resolve() == (options.out / "weights.safetensors").resolve():
        parser.error("OUT would write over the weights to start from")
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer: Any = Tokenizer.from_file(str(options.base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    stage, known = _STAGES[options.stage], _FIRST.times if options.start else {}
    sources = [Source(options.data / f"{name}.json.gz", tokenizer) for name in stage.times]
    reader = Reader(options.base, stage)
    if options.start:
        reader.resume(options.start)
    examples = Examples(sources, stage.times, tokenizer, options.fold, options.seed)
    trainer = _Trainer(reader.to(device), examples, stage, device, options)
    options.out.mkdir(parents=True, exist_ok=True)
    trainer.train()
    if stage.halfway:
        reader.go_back_halfway(options.start)
        _write_weights(reader, options.out / "weights.safetensors")
    if options.fold is not None:
        _write_readings(trainer, [one for one in sources if one.name not in known], options.out / "readings.jsonl.gz")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "base", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--start", type=Path, metavar="WEIGHTS", help="the weights of the stage before, to go on from")
    parser.add_argument("--stage", type=int, choices=_STAGES, default=1)
    parser.add_argument("--fold", type=int, choices=range(FOLDS), help="leave out a fifth of the articles, and read those")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    return parser


if __name__ == "__main__":
    main()
