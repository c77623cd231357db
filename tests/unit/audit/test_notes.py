import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import notes
from audit.exceptions import SignerRefused
from audit.verify import Checkpoint, Exit, Unverified, VerifierKey, open_checkpoint, open_note, split_note

# The example of the signed note specification and its reference implementation.
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of the C2SP checkpoint specification; its key is not published.
CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


@pytest.fixture
def secret():
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def key(secret):
    return VerifierKey("log.example/one", secret.public_key().public_bytes_raw())


def test_the_published_note_opens_with_its_key():
    key = VerifierKey.parse(KEY)
    assert str(key) == KEY
    assert open_note(NOTE, key).startswith("If you think")


def test_the_published_checkpoint_is_read():
    text, signatures = split_note(CHECKPOINT)
    checkpoint = notes.parse_checkpoint(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == text
    assert [name for name, _key_id, _signature in signatures] == ["example.com/behind-the-sofa"]


def test_a_signed_checkpoint_opens_again(secret, key):
    checkpoint = Checkpoint("log.example/one", 7, bytes(32))
    assert open_checkpoint(notes.sign(checkpoint.text, secret, key.name), key) == checkpoint


def test_signatures_of_unknown_keys_are_left_out_of_account(secret, key):
    other = Ed25519PrivateKey.generate()
    text = Checkpoint("log.example/one", 7, bytes(32)).text
    cosigned = notes.sign(text, secret, key.name) + notes.sign(text, other, "witness.example").split("\n\n")[1]
    assert open_checkpoint(cosigned, key).size == 7


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda note: note.replace("\n7\n", "\n8\n"), Exit.BAD_SIGNATURE),
        (lambda note: note.replace("one\n7", "two\n7"), Exit.WRONG_ORIGIN),
        (lambda note: note.replace("\n\n", "\n"), Exit.MALFORMED_NOTE),
        (lambda note: note.rstrip("\n"), Exit.MALFORMED_NOTE),
        (lambda note: note.replace("— ", "- "), Exit.MALFORMED_NOTE),
        (lambda note: note.replace("\n7\n", "\n7\t\n"), Exit.MALFORMED_NOTE),
        (lambda note: note[:-6] + "?\n", Exit.MALFORMED_NOTE),
        (lambda note: b"\xff" + note.encode(), Exit.MALFORMED_NOTE),
        (lambda note: "", Exit.MALFORMED_NOTE),
    ],
)
def test_a_changed_note_says_what_is_wrong_with_it(secret, key, change, code):
    note = notes.sign(Checkpoint("log.example/one", 7, bytes(32)).text, secret, key.name)
    with pytest.raises(Unverified) as caught:
        open_checkpoint(change(note), key)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["log.example/one\n", "log.example/one\n07\nAAAA\n", "log.example/one\n7\nAAAA\n"])
def test_a_signed_text_that_is_no_checkpoint_is_malformed(secret, key, text):
    with pytest.raises(Unverified) as caught:
        open_checkpoint(notes.sign(text, secret, key.name), key)
    assert caught.value.code == Exit.MALFORMED_NOTE


def test_another_key_of_the_same_name_is_the_wrong_key(secret):
    note = notes.sign(Checkpoint("log.example/one", 7, bytes(32)).text, secret, "log.example/one")
    stranger = VerifierKey("log.example/one", Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    with pytest.raises(Unverified) as caught:
        open_checkpoint(note, stranger)
    assert caught.value.code == Exit.WRONG_KEY


@pytest.mark.parametrize("text", ["", "name", KEY.replace("c74f", "c74e"), KEY[:-4], KEY.replace("Peter", "Peter ")])
def test_a_miscopied_verifier_key_is_refused(text):
    with pytest.raises(Unverified) as caught:
        VerifierKey.parse(text)
    assert caught.value.code == Exit.MALFORMED_KEY


def test_a_new_signing_key_is_for_its_owner_only_and_never_overwritten(tmp_path):
    path = tmp_path / "keys" / "signing.pem"
    notes.create_signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    public = notes.load_signing_key(path).public_key().public_bytes_raw()
    assert notes.verifier_key(path, "log.example/one").public == public
    with pytest.raises(FileExistsError):
        notes.create_signing_key(path)
    path.unlink()
    assert notes.verifier_key(path, "log.example/one").public == public


def test_a_signing_key_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "signing.pem"
    notes.create_signing_key(path)
    path.chmod(0o644)
    with pytest.raises(SignerRefused, match="0600"):
        notes.load_signing_key(path)


def test_a_missing_or_foreign_signing_key_is_refused(tmp_path):
    path = tmp_path / "signing.pem"
    with pytest.raises(SignerRefused, match="--create"):
        notes.load_signing_key(path)
    path.write_bytes(b"no key")
    path.chmod(0o600)
    with pytest.raises(SignerRefused, match="Ed25519"):
        notes.load_signing_key(path)


def test_a_raw_key_is_taken(tmp_path, secret):
    path = tmp_path / "signing.key"
    path.write_bytes(secret.private_bytes_raw())
    path.chmod(0o600)
    assert notes.load_signing_key(path).private_bytes_raw() == secret.private_bytes_raw()
