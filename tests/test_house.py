"""The house itself: arrows, lazy imports, documents that are true."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HEAVY, ROOT

import cli
from index import Archive, terminal

ALLOWED = {
    "index": {"index"},
    "qa": {"qa", "index"},
    "app": {"eval", "qa", "index"},
    "eval": {"eval", "qa", "index"},
    "cli": {"app", "eval", "qa", "index"},
}
# A heavy dependency -> the one file that imports it.
HOMES = {
    "faiss": "index/dense.py",
    "sentence_transformers": "index/encoder.py",
    "torch": "index/encoder.py",
    "tokenizers": "index/minilm.py",
    "onnx": "index/minilm.py",
    "onnxruntime": "index/minilm.py",
    "rank_bm25": "index/bm25.py",
    "gradio": "app.py",
    "ir_measures": "eval/measure.py",
    "scipy": "eval/significance.py",
    "jinja2": "eval/pages.py",
    "charset_normalizer": "index/articles/decoding.py",
    "pypdf": "index/articles/pdf.py",
    "trafilatura": "index/articles/page.py",
    "sqlite3": "index/database.py",
    "pymilvus": "index/milvus/client.py",
    "ray": "index/cluster.py",
    "tqdm": "index/progress.py",
}

# They run on another machine than the program.
TRAINING = {"eval/train_reader.py", "eval/reader_examples.py"}


def imports(source: str) -> set[str]:
    """Every module that a source imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def files() -> list[Path]:
    return [
        ROOT / "app.py",
        ROOT / "cli.py",
        *(file for room in ("index", "qa", "eval") for file in sorted((ROOT / room).rglob("*.py"))),
    ]


def wrong_arrows(room: str, source: str) -> set[str]:
    return {name for name in imports(source) if name.split(".")[0] in ALLOWED.keys() - ALLOWED[room]}


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_arrows_point_one_way(file: Path) -> None:
    """index <- qa <- eval <- app; cli on top."""
    room = file.stem if file.parent == ROOT else file.relative_to(ROOT).parts[0]
    assert wrong_arrows(room, file.read_text()) == set()


@pytest.mark.parametrize("source", ["import qa.answer", "def f():\n    from eval.run import search", "from app import serve"])
def test_an_arrow_that_points_up_is_caught(source: str) -> None:
    """Also one that hides in a function."""
    assert wrong_arrows("index", source)


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_each_heavy_dependency_has_one_home(file: Path) -> None:
    """So that it can be replaced, or left out, in one place."""
    name = str(file.relative_to(ROOT))
    if name == "eval/peers.py":
        return  # it measures what others do with them
    strangers = {module for module in imports(file.read_text()) if HOMES.get(module.split(".")[0], name) != name}
    strangers -= {"torch", "torch.nn", "torch.utils.data", "tokenizers"} if name in TRAINING else set()
    assert strangers == set()


@pytest.mark.parametrize("arguments", ["", "add", "ask", "verify", "search", "status", "chat", "eval"])
def test_help_loads_nothing_heavy(arguments: str) -> None:
    """It answers before a library that takes longer than it could be imported."""
    code = (
        "import contextlib, io, sys, cli\n"
        f"with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): cli.main({[*arguments.split(), '--help']!r})\n"
        "print(*sorted({'torch', 'faiss', 'gradio', 'numpy', 'sentence_transformers', 'sklearn'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["search", "--leg", "bm25", "ferry"], HEAVY | {"faiss", "onnxruntime", "tokenizers"}),
        (["search", "ferry"], HEAVY),
        (["ask", "a ferry?"], HEAVY),
    ],
)
def test_a_question_loads_nothing_heavy(archive: Archive, tmp_path: Path, arguments: list[str], absent: set[str]) -> None:
    """By words alone neither a model nor faiss. The toy encoder stands in for the model."""
    (tmp_path / "a.txt").write_text("The ferry sank off Selwyn.")
    archive.add([tmp_path / "a.txt"])
    code = (
        "import sys, cli\nfrom fakes import BagEncoder\nfrom index import Archive, terminal\n"
        "terminal.open_archive = lambda path, model: Archive(path, BagEncoder())\n"
        f"cli.main({[*arguments, '--archive', str(archive.path)]!r})\n"
        f"print(*sorted({absent!r} & sys.modules.keys()))"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "The ferry sank off Selwyn." in done.stdout
    assert done.stdout.splitlines()[-1] == ""


def commands_in(document: str) -> list[str]:
    """The commands of a document's indented or fenced shell blocks."""
    return re.findall(r"^(?:    )?(?:\$ )?((?:clippings|make) [a-z].*)$", document, re.MULTILINE)


@pytest.mark.parametrize("document", ["README.md", "docs/using.md"])
def test_commands_in_the_documents_exist(document: str) -> None:
    """Each is a target of the Makefile, or a command with options that it has."""
    commands = [command.split("  #")[0].strip() for command in commands_in((ROOT / document).read_text())]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {command.name for command in [*cli.INDEX, *cli.QA, *cli.APP, *cli.EVAL]}
    assert len(commands) > 8 or document != "README.md"
    for command in commands:
        first, second = command.split()[:2]
        if first == "make":
            assert second in targets, command
        elif first == "clippings":
            assert second in known, command
            options = set(re.findall(r" (--[a-z]+|-k)\b", command))
            assert options <= options_of(second), command


def options_of(name: str) -> set[str]:
    import argparse

    parser = argparse.ArgumentParser()
    next(one for one in [*cli.INDEX, *cli.QA, *cli.APP, *cli.EVAL] if one.name == name).options(parser)
    return {option for action in parser._actions for option in action.option_strings}


def test_every_command_takes_an_archive() -> None:
    """--archive, wherever one stands; the benchmark makes its own."""
    for command in [*cli.INDEX, *cli.QA, *cli.APP, *cli.EVAL]:
        assert command.name == "bench" or "--archive" in options_of(command.name), command.name


def test_nothing_can_be_unpickled_or_run_from_a_file() -> None:
    """No loader that executes what it reads."""
    dangerous = re.compile(
        r"\bpickle\b|\bjoblib\b|allow_pickle=True|yaml\.load\((?!.*BaseLoader)|trust_remote_code|torch\.load|[^.\w]eval\(|[^.\w]exec\("
    )
    assert [file.name for file in files() if dangerous.search(file.read_text())] == []


def test_terminal_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """However many lines an error has."""
    from index.errors import UsageError

    def fail(_: object) -> int:
        raise UsageError("first\nsecond")

    command = terminal.Command("x", "x", lambda _: None, fail)
    assert terminal.main("x", "x", [command], []) == 2
    assert capsys.readouterr().err == "clippings: first second\n"


@pytest.mark.parametrize(("said", "line"), [("", "clippings: interrupted\n"), ("2 are kept", "clippings: interrupted; 2 are kept\n")])
def test_an_interrupt_is_one_line(capsys: pytest.CaptureFixture[str], said: str, line: str) -> None:
    """With what the command has to say about it."""

    def stop(_: object) -> int:
        raise KeyboardInterrupt(*filter(None, [said]))

    assert terminal.main("x", "x", [terminal.Command("x", "x", lambda _: None, stop)], []) == 130
    assert capsys.readouterr().err == line
