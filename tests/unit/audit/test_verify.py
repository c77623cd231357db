"""The verifier as the oversight body runs it: one file, one export, one exit code for each kind of failure."""

import ast
import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import merkle, notes, verify
from audit.verify import Checkpoint, Exit, VerifierKey, tile_path, tiles

ORIGIN = "log.example/one"
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey(ORIGIN, SECRET.public_key().public_bytes_raw())
SIZE = 600


def entries(size=SIZE):
    return [json.dumps({"id": f"event-{number}", "n": number}).encode() for number in range(size)]


def note_of(leaves, origin=ORIGIN, secret=SECRET):
    return notes.sign(Checkpoint(origin, len(leaves), merkle.root(leaves)).text, secret, origin)


def write_tiles(directory, leaves):
    level = leaves
    for number in range(3):
        for index, width in tiles(len(leaves), number):
            path = directory / tile_path(number, index, width)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(level[index * 256 : index * 256 + width]))
        level = [merkle.root(level[i : i + 256]) for i in range(0, len(level) // 256 * 256, 256)]


def write_entries(directory, found, size=SIZE):
    """Lay `found` out in the files of a log of `size`; what is too much goes into the last file."""
    bundles = list(tiles(size))
    for number, (index, width) in enumerate(bundles):
        last = number == len(bundles) - 1
        chosen = found[index * 256 :] if last else found[index * 256 : index * 256 + width]
        path = directory / tile_path("entries", index, width)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(verify.pack_entry(entry) for entry in chosen))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole")
    leaves = [merkle.leaf_hash(entry) for entry in entries()]
    write_tiles(directory, leaves)
    write_entries(directory, entries())
    (directory / "checkpoint").write_text(note_of(leaves))
    return directory


@pytest.fixture
def export(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "export"))


def run(capsys, *arguments):
    code = verify.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out


def check(capsys, export, code, *words, key=KEY, more=()):
    found, said = run(capsys, export, "--key", key, *more)
    assert (Exit(found), *[word for word in words if word in said]) == (code, *words), said


def test_a_whole_export_holds(capsys, export):
    check(capsys, export, Exit.HOLDS, "HOLDS", "600 events")


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512])
def test_exports_of_every_shape_hold(capsys, tmp_path, size):
    leaves = [merkle.leaf_hash(entry) for entry in entries(size)]
    write_tiles(tmp_path, leaves)
    write_entries(tmp_path, entries(size), size)
    (tmp_path / "checkpoint").write_text(note_of(leaves))
    check(capsys, tmp_path, Exit.HOLDS)


def test_an_empty_log_holds(capsys, tmp_path):
    (tmp_path / "checkpoint").write_text(note_of([]))
    check(capsys, tmp_path, Exit.HOLDS, "0 events")


def test_a_flipped_bit_names_the_event(capsys, export):
    path = export / "tile/entries/001"
    data = path.read_bytes()
    place = data.index(b'"n": 300')
    path.write_bytes(data[: place + 5] + bytes([data[place + 5] ^ 1]) + data[place + 6 :])
    check(capsys, export, Exit.ALTERED_LEAF, "index: 300", "event-300")


def test_a_dropped_leaf_is_named(capsys, export):
    found = entries()
    del found[100]
    write_entries(export, found)
    check(capsys, export, Exit.DROPPED_LEAF, "index: 100", "event-101")


def test_swapped_leaves_are_named(capsys, export):
    found = entries()
    found[10], found[400] = found[400], found[10]
    write_entries(export, found)
    check(capsys, export, Exit.SWAPPED_LEAF, "index: 10", "event-400")


def test_an_inserted_leaf_is_named(capsys, export):
    found = entries()
    found.insert(50, b'{"id": "never"}')
    write_entries(export, found)
    check(capsys, export, Exit.INSERTED_LEAF, "index: 50", "never")


def test_a_leaf_added_at_the_end_is_named(capsys, export):
    write_entries(export, [*entries(), b'{"id": "never"}'])
    check(capsys, export, Exit.INSERTED_LEAF, "index: 600", "never")


def test_a_truncated_leaf_is_named(capsys, export):
    path = export / "tile/entries/002.p/88"
    path.write_bytes(path.read_bytes()[:-3])
    check(capsys, export, Exit.TRUNCATED, "index: 599", "event-598")


def test_a_log_without_its_end_is_named(capsys, export):
    write_entries(export, entries()[:-2])
    check(capsys, export, Exit.TRUNCATED, "index: 598")


def test_a_missing_file_is_named(capsys, export):
    (export / "tile/entries/001").unlink()
    check(capsys, export, Exit.MISSING_FILE, "tile/entries/001")


def test_the_wrong_key_is_named(capsys, export):
    stranger = VerifierKey(ORIGIN, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    check(capsys, export, Exit.WRONG_KEY, key=stranger)


def test_the_wrong_origin_is_named(capsys, export):
    check(capsys, export, Exit.WRONG_ORIGIN, "log.example/two", key=VerifierKey("log.example/two", KEY.public))


def test_a_malformed_note_is_named(capsys, export):
    (export / "checkpoint").write_text("log.example/one\n600\n")
    check(capsys, export, Exit.MALFORMED_NOTE)


def test_a_bad_signature_is_named(capsys, export):
    path = export / "checkpoint"
    path.write_text(path.read_text().replace("\n600\n", "\n599\n"))
    check(capsys, export, Exit.BAD_SIGNATURE)


def test_a_malformed_key_is_named(capsys, export):
    check(capsys, export, Exit.MALFORMED_KEY, key="nonsense")


def test_an_older_checkpoint_is_continued(capsys, export, tmp_path):
    older = tmp_path / "older"
    for size in (0, 1, 255, 256, 300, 600):
        older.write_text(note_of([merkle.leaf_hash(entry) for entry in entries()[:size]]))
        check(capsys, export, Exit.HOLDS, more=("--older", older))


def test_an_export_behind_the_older_checkpoint_is_stale(capsys, export, tmp_path):
    older = tmp_path / "older"
    older.write_text(note_of([merkle.leaf_hash(entry) for entry in entries(601)]))
    check(capsys, export, Exit.STALE_CHECKPOINT, more=("--older", older))


def test_a_log_that_was_forked_since_the_older_checkpoint_is_named(capsys, export, tmp_path):
    older = tmp_path / "older"
    older.write_text(note_of([merkle.leaf_hash(b"another past")] * 300))
    check(capsys, export, Exit.INCONSISTENT, more=("--older", older))


@pytest.mark.parametrize("path", ["tile/0/001", "tile/1/000.p/2"])
def test_a_wrong_tile_is_named_although_the_events_are_right(capsys, export, path):
    data = bytearray((export / path).read_bytes())
    data[0] ^= 1
    (export / path).write_bytes(data)
    check(capsys, export, Exit.BAD_TILE)


def test_a_short_tile_is_named(capsys, export):
    path = export / "tile/0/000"
    path.write_bytes(path.read_bytes()[:-32])
    check(capsys, export, Exit.BAD_TILE, "tile/0/000")


def test_events_rewritten_with_their_hashes_miss_the_signed_root(capsys, export):
    found = entries()
    found[5] = b'{"id": "forged"}'
    write_entries(export, found)
    write_tiles(export, [merkle.leaf_hash(entry) for entry in found])
    check(capsys, export, Exit.WRONG_ROOT)


# One event and its proof
@pytest.fixture
def proved(tmp_path):
    leaves = [merkle.leaf_hash(entry) for entry in entries(20)]
    event, proof = tmp_path / "event.json", tmp_path / "event.tlog-proof"
    event.write_bytes(entries()[7])
    hashes = [base64.b64encode(one).decode() for one in merkle.inclusion_proof(7, leaves)]
    proof.write_text("\n".join([verify.PROOF_HEADER, "index 7", *hashes]) + "\n\n" + note_of(leaves))
    return event, proof


def check_event(capsys, proved, code, *words):
    found, said = run(capsys, "--event", proved[0], "--proof", proved[1], "--key", KEY)
    assert (Exit(found), *[word for word in words if word in said]) == (code, *words), said


def test_an_event_with_its_proof_holds(capsys, proved):
    check_event(capsys, proved, Exit.HOLDS, "number 7")


def test_an_extra_proof_hash_is_named(capsys, proved):
    text = proved[1].read_text()
    proved[1].write_text(text.replace("\n\n", "\n" + base64.b64encode(bytes(32)).decode() + "\n\n", 1))
    check_event(capsys, proved, Exit.EXTRA_PROOF_HASH, "event-7")


def test_a_proof_of_another_event_is_named(capsys, proved):
    proved[0].write_bytes(entries()[8])
    check_event(capsys, proved, Exit.WRONG_PROOF, "event-8")


@pytest.mark.parametrize("text", ["", "c2sp.org/tlog-proof@v1\n\n", "c2sp.org/tlog-proof@v1\nindex 07\n\nx", "x\n\ny"])
def test_a_malformed_proof_is_named(capsys, proved, text):
    proved[1].write_text(text)
    check_event(capsys, proved, Exit.MALFORMED_PROOF)


# The file itself
def test_paths_are_those_of_the_specification():
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path("entries", 273, 112) == "tile/entries/273.p/112"
    assert [list(tiles(70000, level))[-1] for level in range(3)] == [(273, 112), (1, 17), (0, 1)]


def test_the_verifier_imports_nothing_of_ours_and_nothing_but_cryptography():
    names = set()
    for node in ast.walk(ast.parse(Path(verify.__file__).read_text())):
        if isinstance(node, ast.Import):
            names |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    assert names - set(sys.stdlib_module_names) == {"cryptography"}


def test_the_file_runs_alone(export, tmp_path):
    alone = shutil.copy(verify.__file__, tmp_path / "verify.py")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-I", alone, str(export), "--key", str(KEY)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout[:6]) == (0, "HOLDS:")
    (export / "checkpoint").unlink()
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-I", alone, str(export), "--key", str(KEY)], capture_output=True, text=True, check=False
    )
    assert done.returncode == Exit.MISSING_FILE


def test_every_failure_has_its_own_exit_code():
    assert len({one.value for one in Exit}) == len(Exit)
    assert all(0 <= one.value < 126 for one in Exit)
