"""Damage to files that keeps most of their structure: it reaches further than random bytes."""

import io
import struct
import zipfile
import zlib
from contextlib import suppress

INTEGERS = (0, 1, 2, 3, 4, 7, 8, 14, 15, 17, 127, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31,
            2**32 - 1, 2**36, 2**63 - 1, 2**64 - 1)  # fmt: skip
WORDS = ("nan", "inf", "-inf", "1e400", "-1", "0", "1", "3.5", "99999999999999999999", "1_0", "x",
         "", "\0", "..", "../..", "/", "\\", "~", "é", "\ufeff", "A" * 5000, "[" * 3000, "{" * 3000,
         "null", "[]", "{}", "true", "&a", "*a", "- *a", "!!python/object:os.system", "#", ":",
         "20230230", "2" * 8, "<value>", "PATCH_1")  # fmt: skip


def mutate(data, rng, others=()):
    """Return a damaged copy of a file; `others` are files of its kind to take pieces from."""
    inner = next((form for form in (_members, _deflated) if rng.random() < 0.5), None)
    if inner is not None:
        with suppress(Exception):  # of a file that is damaged already
            return inner(data, rng)
    text = is_text(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        change = rng.choice((*_BINARY, *_TEXT, *_TEXT) if text else _BINARY)
        data = change(bytearray(data), rng) if data else bytes(rng.choice(INTEGERS[:12]))
    if others and rng.random() < 0.1:
        other = rng.choice(others)
        data = data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]
    return bytes(data)


def is_text(data):
    return b"\0" not in data[:1000] and data[:400].isascii()


def _bit(data, rng):
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _byte(data, rng):
    data[rng.randrange(len(data))] = rng.choice((0, 1, 0x20, 0x7F, 0x80, 0xFF))
    return data


def _word(data, rng):
    """Replace an aligned integer: a size, a count, a type, an offset."""
    kind = rng.choice(["<H", "<I", "<Q", ">I"])
    size = struct.calcsize(kind)
    at = rng.randrange(len(data)) // size * size
    old = int.from_bytes(data[at : at + size], "little" if kind[0] == "<" else "big")
    new = rng.choice((*INTEGERS, old + 1, old - 1, old * 2, old // 2, len(data), len(data) - at))
    data[at : at + size] = struct.pack(kind, new % 2 ** (8 * size))
    return data


def _truncate(data, rng):
    return data[: rng.randrange(len(data))]


def _block(data, rng):
    """Remove, repeat or move a block."""
    unit = rng.choice((1, 8))
    first, last, to = (rng.randrange(len(data) + 1) // unit * unit for _ in range(3))
    first, last = min(first, last), min(max(first, last), first + 512)
    block = data[first:last]
    rest = data if rng.random() < 0.4 else data[:first] + data[last:]
    return rest[:to] + block * rng.choice((0, 1, 1, 2, 5)) + rest[to:]


def _zeros(data, rng):
    at = rng.randrange(len(data))
    size = min(len(data) - at, rng.choice((1, 4, 8, 64, 512)))
    data[at : at + size] = bytes(size)
    return data


def _token(data, rng):
    """Replace a word of a text."""
    words = data.decode("latin-1").split(" ")
    lines = data.decode("latin-1").split("\n")
    parts, glue = (words, " ") if rng.random() < 0.5 else (lines, "\n")
    place = rng.randrange(len(parts))
    parts[place] = rng.choice(WORDS)
    return glue.join(parts).encode("utf-8", "replace")


def _value(data, rng):
    """Replace what follows a colon, a blank, a quote or the start of a line."""
    text = data.decode("latin-1")
    places = [k + 1 for k, letter in enumerate(text) if letter in ':, "\n>[']
    first = rng.choice([0, *places])
    last = next((k for k in range(first, len(text)) if text[k] in ':, "\n<]'), len(text))
    return (text[:first] + rng.choice(WORDS) + text[last:]).encode("utf-8", "replace")


def _line(data, rng):
    lines = data.decode("latin-1").split("\n")
    place, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    line = lines[place] if rng.random() < 0.5 else lines.pop(place)
    lines[to:to] = [line] * rng.choice((0, 1, 3))
    return "\n".join(lines).encode("latin-1")


_BINARY = (_bit, _bit, _byte, _word, _word, _word, _truncate, _block, _zeros)
_TEXT = (_token, _value, _line)


def _deflated(data, rng):
    """Damage the inside of a deflated variable of a level-5 file."""
    if not data.startswith(b"MATLAB 5") or struct.unpack_from("<I", data, 128)[0] != 15:
        raise ValueError
    (size,) = struct.unpack_from("<I", data, 132)
    inside = zlib.compress(mutate(zlib.decompress(data[136 : 136 + size]), rng))
    return data[:128] + struct.pack("<II", 15, len(inside)) + inside + data[136 + size :]


def _members(data, rng):
    """Damage a member of an archive and leave its checksum right."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        hit = rng.choice(old.namelist())
        form = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
        with zipfile.ZipFile(target, "w", form) as new:
            for name in old.namelist():
                content = old.read(name)
                new.writestr(name, mutate(content, rng) if name == hit else content)
    return target.getvalue()
