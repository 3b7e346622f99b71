"""An encoding is stated, shown or found and then told; what is left undecided is refused. Nothing is garbled in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Run
from hypothesis import given
from hypothesis import strategies as st

from index.articles.decoding import decode
from index.articles.source import RefusedError

ENGLISH = "“We will not go,” the mayor said in the café on Friday; it’s late, and the naïve clerk’s vote was 9–4. "
FRENCH = "Le maire a déclaré vendredi que l'élection était terminée ; les électeurs, fâchés, ont quitté la salle à dix heures. "
JAPANESE = "市長は金曜日に選挙が終わったと述べた。変更はないと記者団に語った。フェリーは夜に沈没した。" * 3


def told(data: bytes, states: bool = False) -> tuple[str, list[str]]:
    notes: list[str] = []
    return decode(data, notes.append, states), notes


@pytest.mark.parametrize(
    ("data", "text", "note"),
    [
        (ENGLISH.encode(), ENGLISH, ""),
        (ENGLISH.encode("utf-8-sig"), ENGLISH, ""),
        (b"\xff\xfe" + ENGLISH.encode("utf-16-le"), ENGLISH, ""),
        (b"\xfe\xff" + ENGLISH.encode("utf-16-be"), ENGLISH, ""),
        (ENGLISH.encode("utf-16-le"), ENGLISH, "read as UTF-16-LE without a byte-order mark, not UTF-8"),
        (ENGLISH.encode("utf-16-be"), ENGLISH, "read as UTF-16-BE without a byte-order mark, not UTF-8"),
        (ENGLISH.encode("cp1252"), ENGLISH, "read as windows-1252, not UTF-8"),
        (FRENCH.encode("latin-1"), FRENCH, "read as windows-1252, not UTF-8"),
        (JAPANESE.encode("shift_jis"), JAPANESE, "read as Shift_JIS, not UTF-8"),
        (JAPANESE.encode("utf-32"), JAPANESE, ""),
    ],
    ids=["utf-8", "bom", "utf-16-le-bom", "utf-16-be-bom", "utf-16-le", "utf-16-be", "cp1252", "latin-1", "shift-jis", "utf-32-bom"],
)
def test_twelve_encodings_are_read_exactly(data: bytes, text: str, note: str) -> None:
    """Ten of them; the other two, mixed and invalid, are refused below."""
    assert told(data) == (text, [note] if note else [])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ENGLISH.encode() + FRENCH.encode("latin-1")[:16], "UTF-8 but for 1 byte, the first at"),
        (ENGLISH.encode()[:-1] + b"\xff\xfe\xfd.", "UTF-8 but for 3 bytes, the first at"),
        (bytes(range(128, 256)), "neither UTF-8"),
        (b"caf\xe9", r"neither UTF-8 \(byte 3\) nor surely anything else"),
        (b"\xff\xfea", "its first bytes say UTF-16-LE, but byte 2 is not"),
        (b"MZ\x00\x00\x90", "zero bytes"),
    ],
    ids=["mixed", "invalid", "bytes", "short", "half a unit", "binary"],
)
def test_what_is_undecided_is_refused(data: bytes, reason: str) -> None:
    """With the byte. (Reading on with replacement characters would pass the first two: the control.)"""
    assert "\ufffd" in data.decode("utf-8", "replace") or b"\x00" in data
    with pytest.raises(RefusedError, match=reason):
        told(data)


@pytest.mark.parametrize("codec", ["cp1250", "iso8859-2", "cp1251", "koi8-r", "cp1253", "cp1254", "gb18030", "big5", "euc-kr", "mac-roman"])
def test_no_other_encoding_is_taken_for_a_wrong_one(codec: str) -> None:
    """Right or refused."""
    texts = {
        "cp1250": "Burmistrz powiedział w piątek, że wybory się skończyły. Źródła mówią, że głosowanie było żałosne. ",
        "cp1251": "Мэр заявил в пятницу, что выборы закончились. Никаких изменений не будет, сказал он журналистам. ",
        "cp1253": "Ο δήμαρχος είπε την Παρασκευή ότι οι εκλογές τελείωσαν. Δεν θα υπάρξουν αλλαγές. ",
        "cp1254": "Belediye başkanı cuma günü seçimlerin bittiğini söyledi. Değişiklik olmayacağını, açıkladı. ",
        "gb18030": "市长星期五表示选举已经结束。他告诉记者不会有任何变化。渡轮在夜间沉没。",
        "euc-kr": "시장은 금요일 선거가 끝났다고 말했다. 변화는 없을 것이라고 기자들에게 말했다. ",
    }
    text = texts.get({"iso8859-2": "cp1250", "koi8-r": "cp1251", "big5": "gb18030"}.get(codec, codec), FRENCH)
    for times in (1, 3, 15):
        data = (text * times).encode(codec, "ignore")
        try:
            assert told(data)[0] == data.decode(codec)
        except RefusedError:
            continue


@pytest.mark.parametrize(
    ("statement", "codec", "notes"),
    [
        ('<meta charset="windows-1252">', "cp1252", []),
        ("<meta http-equiv='Content-Type' content='text/html; charset=ISO-8859-1'>", "cp1252", []),
        ('<?xml version="1.0" encoding="Shift_JIS"?>', "cp932", []),
        ("<meta charset=iso-2022-jp>", "iso2022_jp", []),
        ('<meta charset="utf-8">', "utf-8", []),
        ('<meta charset="latin1">', "utf-8", ["it says windows-1252, but is UTF-8: read as UTF-8"]),
        ('<meta charset="no-such">', "utf-8", []),
        ('<meta charset="unicode_escape">', "utf-8", []),
    ],
)
def test_a_page_may_state_its_encoding(statement: str, codec: str, notes: list[str]) -> None:
    """Under the names that browsers know; bytes that are UTF-8 say more than a statement."""
    text = statement + ("フェリー" if codec in ("cp932", "iso2022_jp") else "café")
    assert told(text.encode(codec), states=True) == (text, notes)


def test_a_wrong_statement_is_no_reason_to_garble() -> None:
    """It is told, and what the bytes are is found as if nothing had been stated."""
    text = "<meta charset=euc-jp>\n" + ENGLISH
    assert told(text.encode("cp1252"), states=True) == (text, ["it says euc-jp, but byte 22 is not", "read as windows-1252, not UTF-8"])


def test_text_that_came_here_garbled_is_told() -> None:
    """It cannot be mended: which characters were lost is not known."""
    assert told("It’s late.".encode().decode("cp1252").encode())[1] == [
        "it has “â€™”, as text has that was decoded wrongly before: compare it with its source"
    ]
    assert told("NÃO, São Paulo. Île-de-France, Âge.".encode())[1] == []


def test_the_command_names_the_encoding(run: Run, tmp_path: Path) -> None:
    """A note, not a rejection; again when the file is read again, not when it is unchanged."""
    (tmp_path / "a.txt").write_bytes(ENGLISH.encode("cp1252"))
    code, out, err = run("add", "a.txt")
    assert (code, out.split(",")[0], err) == (0, "new 1", f"note: {tmp_path}/a.txt: read as windows-1252, not UTF-8\n")
    assert run("add", "a.txt")[2] == ""
    (tmp_path / "b.csv").write_bytes(f"text\n{FRENCH}".encode("latin-1"))
    assert json.loads(run("add", "--json", "b.csv")[1])["notes"] == [
        {"path": f"{tmp_path}/b.csv", "note": "read as windows-1252, not UTF-8"}
    ]


def test_lost_characters_are_told(run: Run, tmp_path: Path) -> None:
    """A lone half of a surrogate pair in JSON is no character; nor is what was replaced before."""
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": "It \\ud800 sank \\ufffd."}')
    err = run("add", "a.jsonl")[2]
    assert err == f"note: {tmp_path}/a.jsonl#1: 2 of its characters were lost before it came here, and stand as \ufffd\n"


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    """Without a replacement character or a zero, and encodable."""
    try:
        text = decode(data, lambda _: None, states=True)
    except RefusedError:
        return
    text.encode()
    assert "\x00" not in text
    assert "\ufffd" not in text or "\ufffd".encode() in data or data[:2] in (b"\xff\xfe", b"\xfe\xff")
