from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as every command has it; on a busy machine a second thread costs minutes here
for variable in ("CLIPPINGS_ARCHIVE", "CLIPPINGS_MODEL", "CLIPPINGS_READER"):
    os.environ.pop(variable, None)

from loopback import leave_the_network  # noqa: E402

NETWORKED = leave_the_network()  # before numpy and others start threads, which would stay outside

from collections.abc import Callable, Iterator  # noqa: E402
from pathlib import Path  # noqa: E402
from tempfile import TemporaryDirectory  # noqa: E402

import milvus_server  # noqa: E402
import pytest  # noqa: E402
from fakes import BagEncoder  # noqa: E402
from playwright import sync_api  # noqa: E402

import cli  # noqa: E402
from eval import dataset  # noqa: E402
from eval.dataset import SAMPLE_ARTICLES  # noqa: E402
from eval.result import Result, evaluate  # noqa: E402
from eval.run import CONFIGURATIONS  # noqa: E402
from index import Archive, terminal  # noqa: E402

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

Run = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).parent.parent
# The five articles and the data sets that some checks are measured on; they are no part of the project.
SHARED = ROOT.parent / "shared"
# What a question does not need, and what takes longer to import than to answer it.
HEAVY = {
    "torch", "sentence_transformers", "transformers", "sklearn", "scipy", "gradio", "trafilatura", "lxml", "dateutil", "yaml",
    "markdown_it", "tqdm", "rich",
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only tests of the real model answer with the real reader."""
    if not request.node.get_closest_marker("model"):
        monkeypatch.setenv("CLIPPINGS_READER", "none")


@pytest.fixture
def encoder() -> BagEncoder:
    return BagEncoder()


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Write files by name into one folder and return it."""

    def write(files: dict[str, str]) -> Path:
        home = tmp_path / "articles"
        for name, text in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text, encoding="utf-8")
        return home

    return write


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is such a place: what loops of faults write need not last, and a sync costs nothing there."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=shared, ignore_cleanup_errors=True) as home:
        yield Path(home)


@pytest.fixture
def archive(tmp_path: Path, encoder: BagEncoder) -> Archive:
    """An empty archive with a toy encoder."""
    return Archive(tmp_path / "archive", encoder)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command over ./archive with the toy encoder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "open_archive", lambda path, model: Archive(path, BagEncoder(model or "bag")))

    def call(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The sample archive, made with the real model."""
    archive = Archive(tmp_path_factory.mktemp("sample") / "archive")
    archive.add([SAMPLE_ARTICLES])
    return archive


@pytest.fixture(scope="session")
def sample_result(sample: Archive, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Every configuration, and the answers, over the sample set with the real model."""
    questions = dataset.sample(sample)
    return evaluate(questions, sample, list(CONFIGURATIONS), tmp_path_factory.mktemp("encodings"), lambda stage, done, total: None)


@pytest.fixture(scope="session")
def sample_articles(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The sample archive with the toy encoder, for what needs its texts only."""
    archive = Archive(tmp_path_factory.mktemp("articles") / "archive", BagEncoder())
    archive.add([SAMPLE_ARTICLES])
    return archive


@pytest.fixture(scope="session")
def milvus_core() -> None:
    """The core of Milvus is installed."""
    if not (milvus_server.LIBRARIES / "milvus").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("the core of Milvus is not installed, and CI does without nothing")
        pytest.skip("the core of Milvus is not installed: see tests/milvus_core.txt")


@pytest.fixture(scope="session")
def milvus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Milvus, without a collection's name."""
    if not os.environ.get("MILVUS_URI"):
        request.getfixturevalue("milvus_core")
    with milvus_server.serving(tmp_path_factory.mktemp("milvus")) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Headless Chromium. While it is open, no event loop of another can run: so it ends with its module."""
    if not CHROMIUM.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed, and CI does without nothing")
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()
