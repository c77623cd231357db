import copy
import hashlib
import json
import os
import pickle
import stat
import threading
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from access import vault
from access.vault import (
    Compartment,
    KeyringExists,
    KeyUnavailable,
    Suite,
    Tampered,
    VaultError,
    ciphers,
    datakeys,
    keyfile,
)

SUITES = ["aes", "sm"]
RECORD = str(uuid4())


@pytest.fixture(autouse=True)
def path(tmp_path, settings):
    path = tmp_path / "keys" / "keyring.json"
    settings.VAULT_KEYRING = path
    settings.VAULT_SUITE = "aes"
    vault.reset()
    vault.create_keyring(path)
    yield path
    vault.reset()


@pytest.fixture(params=SUITES)
def suite(request, settings):
    settings.VAULT_SUITE = request.param
    return request.param


def working_key(record=RECORD):
    return vault.new_key("records.violation", record)


def unwrap(wrapped, *, table="records.violation", record=RECORD):
    return vault.unwrap(wrapped, table=table, record=record)


@pytest.fixture
def both(tmp_path):
    """A keyring that holds both compartments, as none of the product's does: what is refused here is refused anywhere."""
    file = tmp_path / "both.json"
    vault.create_keyring(file, compartments=tuple(Compartment))
    return vault.keyring_at(file)


@pytest.fixture
def register(tmp_path):
    """The register's own keyring: the sealed compartment and nothing else."""
    file = tmp_path / "register.json"
    vault.create_keyring(file, compartments=(Compartment.SEALED,))
    return file


def every_flipped_bit(data):
    for position in range(len(data)):
        for bit in range(8):
            yield data[:position] + bytes([data[position] ^ (1 << bit)]) + data[position + 1 :]


# Published vectors


def test_sm4_gcm_gives_the_vector_of_rfc_8998():
    cipher = ciphers.Sm4Gcm(bytes.fromhex("0123456789abcdeffedcba9876543210"))
    nonce = bytes.fromhex("00001234567800000000abcd")
    plaintext = b"".join(bytes([value]) * 8 for value in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    expected = bytes.fromhex(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )

    assert cipher.encrypt(nonce, plaintext, aad) == expected
    assert cipher.decrypt(nonce, expected, aad) == plaintext


def test_aes_256_gcm_gives_the_published_test_case_16():
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    plaintext = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    sealed = ciphers.cipher_for(Suite.AES_256_GCM, key).encrypt(
        bytes.fromhex("cafebabefacedbaddecaf888"),
        plaintext,
        bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
    )

    assert sealed.hex() == (
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )


def test_sm3_gives_the_vector_of_its_standard_and_the_index_is_its_hmac():
    digest = hashlib.new("sm3", b"abc").hexdigest() if "sm3" in hashlib.algorithms_available else None
    keyring = vault.FileKeyring(
        current={}, masters={}, index_suite=Suite.SM4_GCM, index_master=b"m" * keyfile.MASTER_SIZE
    )
    if digest is None:
        pytest.skip("hashlib has no SM3 here.")
    assert digest == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"

    key = ciphers.derive(b"m" * keyfile.MASTER_SIZE, Suite.SM4_GCM, 32, "index/2").ljust(64, b"\0")
    inner = hashlib.new("sm3", bytes(byte ^ 0x36 for byte in key) + b"message").digest()
    outer = hashlib.new("sm3", bytes(byte ^ 0x5C for byte in key) + inner).digest()
    assert keyring.index(b"message") == outer


def test_sm4_gcm_releases_nothing_that_is_not_verified():
    cipher = ciphers.Sm4Gcm(b"k" * 16)
    sealed = cipher.encrypt(b"n" * 12, b"facts of the case", b"aad")

    for altered in (*every_flipped_bit(sealed), sealed[:-1], sealed[:15], b""):
        with pytest.raises(InvalidTag):
            cipher.decrypt(b"n" * 12, altered, b"aad")
    with pytest.raises(InvalidTag):
        cipher.decrypt(b"n" * 12, sealed, b"other")


def test_a_sealed_field_is_plain_aes_gcm_with_the_documented_binding():
    key, wrapped = working_key()
    blob = key.encrypt(b"facts", field="particulars")
    header, sealed = wrapped[:7], wrapped[7:]
    master = vault.keyring()._masters[Compartment.WORKING, 1]
    wrapping = ciphers.derive(master, Suite.AES_256_GCM, 32, "wrap/1/working/1")
    aad = ciphers.bind(b"sealed-records/vault/1/wrapped", header, b"records.violation", RECORD.encode())
    secret = AESGCM(wrapping).decrypt(sealed[:12], sealed[12:], aad)

    aad = ciphers.bind(
        b"sealed-records/vault/1/field", b"\x01\x01", b"records.violation", RECORD.encode(), b"particulars"
    )
    assert header == b"\x01\x01\x01\x00\x00\x00\x01"
    assert AESGCM(secret).decrypt(blob[2:14], blob[14:], aad) == b"facts"


# Data keys


@pytest.mark.parametrize("plaintext", [b"", b"x", "某人殴打他人".encode(), b"\0" * 100_000])
def test_what_was_sealed_opens(suite, plaintext):
    key, wrapped = working_key()

    blob = key.encrypt(plaintext, field="particulars")

    assert unwrap(wrapped).decrypt(blob, field="particulars") == plaintext
    assert unwrap(memoryview(wrapped)).decrypt(memoryview(blob), field="particulars") == plaintext
    assert len(plaintext) < 2 or plaintext not in blob


def test_the_same_text_is_never_sealed_to_the_same_bytes(suite):
    key, wrapped = working_key()

    assert key.encrypt(b"a", field="f") != key.encrypt(b"a", field="f")
    assert working_key()[1] != wrapped


def test_another_field_does_not_open(suite):
    key, _ = working_key()

    with pytest.raises(Tampered):
        key.decrypt(key.encrypt(b"a", field="facts"), field="address")


def test_another_records_ciphertext_does_not_open(suite):
    key, _ = working_key()
    other, _ = working_key(str(uuid4()))

    with pytest.raises(Tampered):
        key.decrypt(other.encrypt(b"a", field="facts"), field="facts")


def test_ciphertext_is_bound_to_its_record_even_under_the_same_key(suite):
    key, _ = working_key()
    moved = vault.DataKey(key.suite, key.table, str(uuid4()), key._cipher)
    other_table = vault.DataKey(key.suite, "records.attachment", key.record, key._cipher)
    blob = key.encrypt(b"a", field="facts")

    for stranger in (moved, other_table):
        with pytest.raises(Tampered):
            stranger.decrypt(blob, field="facts")


def test_table_record_and_field_cannot_run_into_each_other(suite):
    key, _ = vault.new_key("ab", "c")
    blob = key.encrypt(b"a", field="de")
    shifted = vault.DataKey(key.suite, "a", "bc", key._cipher)
    also_shifted = vault.DataKey(key.suite, "ab", "cd", key._cipher)

    with pytest.raises(Tampered):
        shifted.decrypt(blob, field="de")
    with pytest.raises(Tampered):
        also_shifted.decrypt(blob, field="e")


def test_a_flipped_bit_anywhere_in_a_sealed_field_fails(suite):
    key, _ = working_key()
    blob = key.encrypt(b"facts", field="facts")

    for altered in every_flipped_bit(blob):
        with pytest.raises(Tampered):
            key.decrypt(altered, field="facts")


def test_a_flipped_bit_anywhere_in_a_wrapped_key_fails(suite):
    _, wrapped = working_key()

    for altered in every_flipped_bit(wrapped):
        with pytest.raises((Tampered, KeyUnavailable)):
            unwrap(altered)


def test_cut_and_lengthened_bytes_fail(suite):
    key, wrapped = working_key()
    blob = key.encrypt(b"facts", field="facts")

    for length in range(len(blob)):
        with pytest.raises(Tampered):
            key.decrypt(blob[:length], field="facts")
    for length in range(len(wrapped)):
        with pytest.raises(Tampered):
            unwrap(wrapped[:length])
    with pytest.raises(Tampered):
        key.decrypt(blob + b"\0", field="facts")
    with pytest.raises(Tampered):
        unwrap(wrapped + b"\0")


def test_a_wrapped_key_of_another_record_or_table_does_not_open(suite):
    _, wrapped = working_key()

    with pytest.raises(Tampered):
        unwrap(wrapped, record=str(uuid4()))
    with pytest.raises(Tampered):
        unwrap(wrapped, table="records.attachment")


def test_a_wrapped_key_opens_in_its_own_compartment_only(suite, both):
    place = {"table": "records.violation", "record": RECORD}
    made = {each: datakeys.new_key(both, vault.configured_suite(), *place.values(), each)[1] for each in Compartment}

    for compartment, other in (tuple(Compartment), tuple(Compartment)[::-1]):
        with pytest.raises(Tampered, match=f"not in the {other} compartment"):
            datakeys.unwrap(both, made[compartment], **place, compartment=other)
        datakeys.unwrap(both, made[compartment], **place, compartment=compartment)


def test_a_relabelled_compartment_does_not_open(suite, both):
    place = {"table": "records.violation", "record": RECORD}
    for compartment, number, other in (
        (Compartment.SEALED, 1, Compartment.WORKING),
        (Compartment.WORKING, 2, Compartment.SEALED),
    ):
        _, wrapped = datakeys.new_key(both, vault.configured_suite(), *place.values(), compartment)
        relabelled = wrapped[:2] + bytes([number]) + wrapped[3:]

        with pytest.raises(Tampered):
            datakeys.unwrap(both, relabelled, **place, compartment=other)


def test_the_working_keyring_opens_nothing_sealed_whatever_the_bytes_say(suite, register):
    _, sealed = datakeys.new_key(
        vault.keyring_at(register), vault.configured_suite(), "records.violation", RECORD, Compartment.SEALED
    )

    for wrapped in (sealed, sealed[:2] + b"\x01" + sealed[3:]):
        with pytest.raises(Tampered):
            unwrap(wrapped)


def test_a_relabelled_version_does_not_open(suite, path):
    _, wrapped = working_key()
    vault.add_version(path, Compartment.WORKING)

    with pytest.raises(Tampered):
        unwrap(wrapped[:6] + b"\x02" + wrapped[7:])


def test_a_relabelled_suite_does_not_open():
    key, wrapped = working_key()
    blob = key.encrypt(b"a", field="f")

    with pytest.raises(Tampered):
        unwrap(wrapped[:1] + bytes([Suite.SM4_GCM]) + wrapped[2:])
    with pytest.raises(Tampered):
        key.decrypt(blob[:1] + bytes([Suite.SM4_GCM]) + blob[2:], field="f")


def test_both_suites_open_whatever_the_setting_is(settings):
    kept = []
    for name in SUITES:
        settings.VAULT_SUITE = name
        key, wrapped = working_key()
        kept.append((wrapped, key.encrypt(b"facts", field="facts")))
        assert wrapped[1] == ciphers.SUITE_NAMES[name]

    for name in SUITES:
        settings.VAULT_SUITE = name
        assert [unwrap(wrapped).decrypt(blob, field="facts") for wrapped, blob in kept] == [b"facts"] * 2


def test_an_unknown_suite_is_refused(settings):
    settings.VAULT_SUITE = "rot13"

    with pytest.raises(VaultError, match="aes"):
        working_key()


def test_a_data_key_shows_nothing_of_itself(suite):
    key, _ = working_key()

    assert repr(key) == str(key) == f"{key}" == "<DataKey>"
    assert repr(vault.keyring()) == "<FileKeyring>"


def test_a_data_key_and_a_keyring_cannot_be_copied_or_pickled(suite):
    key, _ = working_key()

    for secret in (key, vault.keyring()):
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot be copied"):
                attempt(secret)


# Moving and rotating


def test_rotation_keeps_everything_readable_and_the_old_version_can_then_be_retired(suite, path):
    kept = []
    for _ in range(3):
        key, wrapped = working_key()
        kept.append((wrapped, key.encrypt(b"facts", field="facts")))

    assert vault.add_version(path, Compartment.WORKING) == 2
    assert not any(vault.is_current(wrapped) for wrapped, _ in kept)
    assert all(unwrap(wrapped).decrypt(blob, field="facts") == b"facts" for wrapped, blob in kept)
    assert vault.is_current(working_key()[1])

    place = {"table": "records.violation", "record": RECORD}
    rotated = [(vault.rewrap_to_current(wrapped, **place), blob) for wrapped, blob in kept]
    vault.retire_version(path, Compartment.WORKING, 1)

    assert all(unwrap(wrapped).decrypt(blob, field="facts") == b"facts" for wrapped, blob in rotated)
    with pytest.raises(KeyUnavailable, match="Version 1 of the working key"):
        unwrap(kept[0][0])


def test_rotating_keeps_the_suite_of_the_data_key(path, settings):
    key, wrapped = working_key()
    blob = key.encrypt(b"facts", field="facts")
    settings.VAULT_SUITE = "sm"
    vault.add_version(path, Compartment.WORKING)

    moved = vault.rewrap_to_current(wrapped, table="records.violation", record=RECORD)

    assert moved[1] == wrapped[1] != ciphers.SUITE_NAMES["sm"]
    assert unwrap(moved).decrypt(blob, field="facts") == b"facts"


def test_rotating_what_is_current_changes_nothing_but_still_checks_it(suite, both):
    _, wrapped = working_key()
    _, sealed = datakeys.new_key(both, vault.configured_suite(), "records.violation", RECORD, Compartment.SEALED)

    assert vault.rewrap_to_current(wrapped, table="records.violation", record=RECORD) == wrapped
    with pytest.raises(Tampered):
        vault.rewrap_to_current(wrapped, table="records.violation", record=str(uuid4()))
    with pytest.raises(Tampered, match="not in the working compartment"):
        vault.rewrap_to_current(sealed, table="records.violation", record=RECORD)


# One keyring, one compartment


@pytest.mark.parametrize("kept", list(Compartment))
def test_a_keyring_holds_its_own_compartment_and_not_the_other(tmp_path, suite, kept):
    [other] = set(Compartment) - {kept}
    file = tmp_path / "one.json"
    vault.create_keyring(file, compartments=(kept,))
    keys = vault.keyring_at(file)

    assert set(json.loads(file.read_text())) == {"format", kept.value, "index"}
    assert keys.current_version(kept) == 1
    datakeys.new_key(keys, vault.configured_suite(), "t", RECORD, kept)
    for attempt in (
        lambda: keys.current_version(other),
        lambda: datakeys.new_key(keys, vault.configured_suite(), "t", RECORD, other),
        lambda: keys.wrap(b"secret", suite=Suite.AES_256_GCM, compartment=other, version=1, aad=b""),
        lambda: keys.unwrap(b"x" * 60, suite=Suite.AES_256_GCM, compartment=other, version=1, aad=b""),
        lambda: vault.add_version(file, other),
        lambda: vault.make_version_current(file, other, 1),
        lambda: vault.retire_version(file, other, 1),
    ):
        with pytest.raises(KeyUnavailable, match=f"{other} key"):
            attempt()


def test_a_keyring_is_made_for_the_working_compartment_unless_something_else_is_said(path):
    assert set(json.loads(path.read_text())) == {"format", "working", "index"}


def test_the_keyring_of_the_register_and_the_working_one_share_no_key_and_no_index(path, register):
    files = [json.loads(file.read_text()) for file in (path, register)]
    keys = [
        files[0]["working"]["keys"]["1"],
        files[1]["sealed"]["keys"]["1"],
        *(each["index"]["key"] for each in files),
    ]
    assert len(set(keys)) == 4
    assert vault.index("subject", "110") != datakeys.index(vault.keyring_at(register), "subject", "110")


def test_the_mac_of_a_keyring_is_neither_its_index_nor_that_of_another(path, register):
    one, other = vault.keyring(), vault.keyring_at(register)

    assert one.mac(b"m") == one.mac(b"m") and len(one.mac(b"m")) == 32
    assert len({one.mac(b"m"), one.index(b"m"), other.mac(b"m"), other.index(b"m"), one.mac(b"n")}) == 5


def test_a_keyring_without_any_compartment_is_damaged(path):
    document = json.loads(path.read_text())
    del document["working"]
    path.write_text(json.dumps(document))

    with pytest.raises(KeyUnavailable, match="is damaged"):
        vault.load_keyring(path)


def test_a_keyring_that_disappears_is_not_remembered(register):
    vault.keyring_at(register)
    register.unlink()

    with pytest.raises(KeyUnavailable, match="There is no keyring"):
        vault.keyring_at(register)


def test_one_compartment_rotates_without_the_other(path, register):
    vault.add_version(register, Compartment.SEALED)

    assert vault.keyring_at(register).current_version(Compartment.SEALED) == 2
    assert vault.keyring().current_version(Compartment.WORKING) == 1


def test_a_version_can_be_handed_round_before_it_is_used(path):
    version = vault.add_version(path, Compartment.WORKING, make_current=False)
    assert vault.is_current(working_key()[1])
    assert vault.keyring().current_version(Compartment.WORKING) == 1

    vault.make_version_current(path, Compartment.WORKING, version)
    assert vault.keyring().current_version(Compartment.WORKING) == version

    with pytest.raises(KeyUnavailable):
        vault.make_version_current(path, Compartment.WORKING, 9)
    with pytest.raises(VaultError, match="is current"):
        vault.retire_version(path, Compartment.WORKING, version)
    with pytest.raises(KeyUnavailable):
        vault.retire_version(path, Compartment.WORKING, 9)


def test_versions_added_at_the_same_time_are_all_kept(path):
    threads = [threading.Thread(target=vault.add_version, args=(path, Compartment.WORKING)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(json.loads(path.read_text())["working"]["keys"]) == {str(number) for number in range(1, 10)}


def test_the_keyring_is_read_once_until_its_file_changes(path):
    first = vault.keyring()
    assert vault.keyring() is first

    vault.add_version(path, Compartment.WORKING)
    assert vault.keyring() is not first


# Index


def test_index_is_32_bytes_equal_for_equal_values_and_separate_for_each_purpose(path, suite):
    path.unlink()
    vault.create_keyring(path)

    assert len(vault.index("subject", "110")) == 32
    assert vault.index("subject", "110") == vault.index("subject", "110")
    different = [("subject", "110"), ("subject", "111"), ("identity", "110"), ("subjec", "t110"), ("subject1", "10")]
    assert len({vault.index(*each) for each in different}) == len(different)


def test_index_survives_rotation_and_a_change_of_suite(path, settings):
    before = vault.index("subject", "110")

    vault.add_version(path, Compartment.WORKING)
    settings.VAULT_SUITE = "sm"

    assert vault.index("subject", "110") == before


def test_another_keyring_gives_another_index(path):
    before = vault.index("subject", "110")

    path.unlink()
    vault.create_keyring(path)

    assert vault.index("subject", "110") != before


# The file


def test_create_keyring_makes_a_private_file_and_leaves_nothing_beside_it(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    vault.add_version(path, Compartment.WORKING)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["keyring.json"]


def test_create_keyring_never_overwrites(path):
    before = path.read_bytes()

    with pytest.raises(KeyringExists, match="There is a keyring"):
        vault.create_keyring(path)

    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["keyring.json"]


def test_all_keys_of_a_keyring_are_different(path):
    vault.add_version(path, Compartment.WORKING)
    document = json.loads(path.read_text())

    assert len({*document["working"]["keys"].values(), document["index"]["key"]}) == 3


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_keyring_that_others_may_read_is_refused_at_once(path, mode):
    _, wrapped = working_key()
    path.chmod(mode)

    with pytest.raises(KeyUnavailable, match="chmod 600"):
        unwrap(wrapped)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        vault.add_version(path, Compartment.WORKING)

    path.chmod(0o400)
    unwrap(wrapped)


def test_without_a_keyring_nothing_opens(path, settings):
    _, wrapped = working_key()
    path.unlink()

    for attempt in (lambda: unwrap(wrapped), working_key, lambda: vault.index("subject", "1")):
        with pytest.raises(KeyUnavailable, match="There is no keyring"):
            attempt()
    settings.VAULT_KEYRING = None
    with pytest.raises(KeyUnavailable, match="VAULT_KEYRING is not set"):
        unwrap(wrapped)
    with pytest.raises(KeyUnavailable):
        vault.add_version(path.parent / "nowhere" / "keyring.json", Compartment.WORKING)


def damaged(path):
    path.unlink()
    vault.create_keyring(path, compartments=tuple(Compartment))
    good = json.loads(path.read_text())
    yield b""
    yield b"\xff\xfe"
    yield b"[]"
    yield b"null"
    for spoil in (
        lambda d: (d.pop("working"), d.pop("sealed")),
        lambda d: d.update(sealed=None),
        lambda d: d.pop("index"),
        lambda d: d.update(format=2),
        lambda d: d["working"].update(current=2),
        lambda d: d["working"].update(current=None),
        lambda d: d["working"]["keys"].update({"0": d["working"]["keys"].pop("1")}),
        lambda d: d["working"]["keys"].update({"01": d["working"]["keys"]["1"]}),
        lambda d: d["working"]["keys"].update({"1": d["sealed"]["keys"]["1"]}),
        lambda d: d["working"]["keys"].update({"1": "c2hvcnQ="}),
        lambda d: d["working"]["keys"].update({"1": "not base64!"}),
        lambda d: d["working"]["keys"].update({"1": 7}),
        lambda d: d["index"].update(suite="md5"),
        lambda d: d["index"].update(key=d["working"]["keys"]["1"]),
    ):
        document = copy.deepcopy(good)
        spoil(document)
        yield json.dumps(document).encode()


def test_a_damaged_keyring_is_refused_without_showing_its_content(path):
    for content in damaged(path):
        path.write_bytes(content)
        with pytest.raises(KeyUnavailable, match="is damaged") as caught:
            vault.load_keyring(path)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_a_change_that_fails_leaves_the_keyring_as_it_was(path, monkeypatch):
    before = path.read_bytes()

    def no_disk(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", no_disk)
    with pytest.raises(OSError, match="No space"):
        vault.add_version(path, Compartment.WORKING)

    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["keyring.json"]


def test_another_keyring_can_stand_in_for_the_file(path):
    class Hsm:
        def current_version(self, compartment):
            return 7

        def wrap(self, secret, *, suite, compartment, version, aad):
            return secret[::-1] + hashlib.sha256(aad).digest()

        def unwrap(self, sealed, *, suite, compartment, version, aad):
            assert sealed[-32:] == hashlib.sha256(aad).digest()
            return sealed[:-32][::-1]

        def index(self, message):
            return hashlib.sha256(message).digest()

        def mac(self, message):
            return hashlib.sha512(message).digest()[:32]

    path.unlink()
    vault.use(Hsm())
    key, wrapped = working_key()
    blob = key.encrypt(b"facts", field="facts")

    assert wrapped[3:7] == b"\x00\x00\x00\x07"
    assert unwrap(wrapped).decrypt(blob, field="facts") == b"facts"
    assert len(vault.index("subject", "1")) == 32
