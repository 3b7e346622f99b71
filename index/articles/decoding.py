"""Bytes -> text, by what they state or show of their encoding; never a guess in silence, never a replacement character.

    1. a byte-order mark
    2. strict UTF-8
    3. what an HTML or XML file states about itself
    4. UTF-16 without a mark, which shows by its zero bytes
    5. windows-1252, where that makes a western text of it, or else what charset-normalizer finds, where nothing else fits nearly
       as well: told as a note

Bytes that are undecided after that are refused. What was decoded wrongly before it came here is noted: it cannot be mended.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from index.articles.source import Note, RefusedError

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatch

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_STATED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?([\w.:-]{1,40})|<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([\w.:-]{1,40})""",
    re.IGNORECASE,
)
# What browsers read under these names (https://encoding.spec.whatwg.org/#names-and-labels).
_MEANT = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252", "iso8859-1": "cp1252",
    "iso-8859-9": "cp1254", "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "gb2312": "gb18030",
    "gbk": "gb18030", "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "big5": "big5hkscs", "x-x-big5": "big5hkscs",
}  # fmt: skip
# UTF-8 read as windows-1252, and saved so.
_MOJIBAKE = re.compile("â€[™œ˜¦“”\x9d]|[ÃÂ][\x80-\x9f\xa0-\xbf]")
# Codecs that a page may name: Python's others are no encodings of text, or run what they read.
_NAMED = re.compile(r"utf-8|cp(?:125\d|866|874|932|949)|iso8859-\d+|koi8-[ru]|mac-(?:roman|cyrillic)|gb18030|big5hkscs|euc_jp|iso2022_jp")
# In windows-1252, the signs that English has and the letters that no other encoding's common letters decode to: the bytes of ě, ı, ł,
# ő, ş or ă are others, and so are those of é and ’ on old Macs and in DOS.
_WESTERN = frozenset("‘’“”–—…•€£§©®°·×½¼ÀÂÄÅÆÇÉÊÈÖØÜßàâäåæçéêëèíîïñóôöøùúûü¿¡«»\xa0")
_FEW = 0.1
# A sign inside a word: a letter of some other encoding.
_INSIDE = re.compile(r"[^\W\d_][„†‡”ˆ‰‹›¡-©«¬®-¶¸¹»-¿][^\W\d_]|£[^\x00-\x7f]")
_SAMPLE = 200_000
# Below: another text would be as good, or nothing is (measured on 13 languages in 21 encodings, 46 to 2,200 bytes each).
_MESS, _COHERENCE, _MARGIN, _ENOUGH = 0.1, 0.4, 0.1, 200


def decode(data: bytes, note: Note, states: bool = False) -> str:
    """The text of `data`; `states` where the format can state an encoding in itself. Refused where it stays undecided."""
    text = _as_marked(data)
    text = _as_utf8(data, note, states) if text is None else text
    text = _as_stated(data, note, states) if text is None else text
    text = _as_utf16(data, note) if text is None else text
    text = _as_found(data, note) if text is None else text
    if "\x00" in text:
        raise RefusedError("not a text file (it has zero bytes)")
    if wrong := _MOJIBAKE.search(text):
        note(f"it has “{wrong[0]}”, as text has that was decoded wrongly before: compare it with its source")
    return text


def _as_marked(data: bytes) -> str | None:
    mark = next((mark for mark in _MARKS if data.startswith(mark)), None)
    if mark is None:
        return None
    try:
        return data[len(mark) :].decode(_MARKS[mark])
    except UnicodeDecodeError as error:
        raise RefusedError(f"its first bytes say {_MARKS[mark].upper()}, but byte {error.start + len(mark):,} is not") from error


def _as_utf8(data: bytes, note: Note, states: bool) -> str | None:
    """Text that is UTF-8, whatever it states; a 7-bit encoding (ISO-2022-JP) shows only by being stated."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if "\x00" in text:
        return None
    stated = _statement(data) if states else ""
    if stated in ("", "utf-8"):
        return text
    if data.isascii():
        return None
    note(f"it says {_shown(stated)}, but is UTF-8: read as UTF-8")
    return text


def _as_stated(data: bytes, note: Note, states: bool) -> str | None:
    stated = _statement(data) if states else ""
    if not stated or stated == "utf-8":
        return None
    try:
        return data.decode(stated)
    except UnicodeDecodeError as error:
        note(f"it says {_shown(stated)}, but byte {error.start:,} is not")
        return None


def _statement(data: bytes) -> str:
    """The codec that an HTML or XML file names in its first bytes; nothing where it names none, or one that is unknown."""
    found = _STATED.search(data[:4096])
    if not found:
        return ""
    name = (found[1] or found[2]).decode("ascii", "ignore").lower()
    try:
        codec = codecs.lookup(_MEANT.get(name, name)).name
    except LookupError:
        return ""
    return codec if _NAMED.fullmatch(codec) else ""


def _as_utf16(data: bytes, note: Note) -> str | None:
    """Latin text in UTF-16 has a zero in every other byte."""
    half = len(data) // 2
    even, odd = data[::2].count(0), data[1::2].count(0)
    codec = "utf-16-le" if odd * 3 > half and even * 50 < half else "utf-16-be" if even * 3 > half and odd * 50 < half else ""
    if not codec or len(data) % 2:
        return None
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return None
    note(f"read as {codec.upper()} without a byte-order mark, not UTF-8")
    return text


def _as_found(data: bytes, note: Note) -> str:
    if b"\x00" in data:
        raise RefusedError("not a text file (it has zero bytes)")
    _refuse_mixed(data)
    codec = "cp1252" if _is_western(data) else _detected(_telling(data))
    if not codec:
        raise RefusedError(f"neither UTF-8 (byte {_first_bad(data):,}) nor surely anything else: save it as UTF-8")
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        raise RefusedError(
            f"neither UTF-8 (byte {_first_bad(data):,}) nor {_shown(codec)} (byte {error.start:,}): save it as UTF-8"
        ) from error
    if codec == "cp1252" and (inside := _INSIDE.search(text)):
        raise RefusedError(f"neither UTF-8 (byte {_first_bad(data):,}) nor windows-1252 (it would have “{inside[0]}”): save it as UTF-8")
    note(f"read as {_shown(codec)}, not UTF-8")
    return text


def _is_western(data: bytes) -> bool:
    """Whether it reads as English, or as another western language, with the odd accent: too little for a detector."""
    others = data.translate(None, bytes(range(128)))
    known = set(others.decode("cp1252", "replace")) <= _WESTERN
    text = data.decode("cp1252", "replace") if known and len(others) <= len(data) * _FEW else ""
    return bool(text) and not _MOJIBAKE.search(text) and bool(re.search("[a-z]{3} [a-z]{2}", text))


def _detected(data: bytes) -> str:
    """The codec that charset-normalizer finds; nothing where it is not sure."""
    from charset_normalizer import from_bytes

    matches = list(from_bytes(data))
    if not matches or not _decided(matches, data):
        return ""
    return "cp1252" if "cp1252" in matches[0].could_be_from_charset else matches[0].encoding


def _refuse_mixed(data: bytes) -> None:
    """UTF-8 but for some bytes: any one encoding would garble the other part."""
    read = data.decode("utf-8", "surrogateescape")
    bad = len(re.findall("[\udc80-\udcff]", read))
    good = len(re.findall("[^\x00-\x7f\udc80-\udcff]", read))
    if good and good >= bad:
        raise RefusedError(
            f"UTF-8 but for {bad:,} byte{'s' * (bad > 1)}, the first at {_first_bad(data):,}: mend them and save it as UTF-8"
        )


def _first_bad(data: bytes) -> int:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _telling(data: bytes) -> bytes:
    """The lines that are not ASCII, up to a limit: the others tell nothing, and take the detector's time."""
    return b"\n".join(line for line in data.splitlines() if not line.isascii())[:_SAMPLE]


def _decided(matches: list[CharsetMatch], data: bytes) -> bool:
    """Whether the first match stands out: it reads as a language does, and no match with another text does nearly as well.

    windows-1252 needs no margin, being by far the commonest. East Asian text has no coherence worth the name, but what is not
    in its encoding seldom decodes at all; half-width katakana are what Cyrillic letters decode to.
    """
    best, others = matches[0], matches[1:]
    if best.chaos > _MESS or _MOJIBAKE.search(str(best)):
        return False
    if best.multi_byte_usage > 0.3:
        rival = any(other.chaos < best.chaos + _MARGIN for other in others if str(other) != str(best))
        return len(data) >= _ENOUGH and not rival and not re.search("[\uff61-\uff9f]", str(best))
    near = [other for other in others if str(other) != str(best) and other.chaos < best.chaos + _MARGIN / 2]
    rival = any(other.coherence > best.coherence - _MARGIN for other in near)
    return best.coherence >= _COHERENCE and (not rival or "cp1252" in best.could_be_from_charset)


def _shown(codec: str) -> str:
    names = {"cp932": "Shift_JIS", "euc_jis_2004": "EUC-JP", "cp949": "EUC-KR"}
    return names.get(codec, re.sub(r"^cp(125\d)$", r"windows-\1", codec).replace("_", "-"))
