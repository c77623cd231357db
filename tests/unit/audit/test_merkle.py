"""The vectors are those of the RFC 6962 reference implementation."""

import hashlib

import pytest

from audit import merkle
from audit.verify import Exit, Unverified

INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf_hash(data) for data in INPUTS]
MANY = [merkle.leaf_hash(bytes([number])) for number in range(70)]


def plain_root(hashes):
    """RFC 6962 section 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return merkle.node_hash(plain_root(hashes[:split]), plain_root(hashes[split:]))


def test_roots_are_those_of_the_rfc():
    assert merkle.root([]).hex() == hashlib.sha256(b"").hexdigest()
    assert [merkle.root(LEAVES[: size + 1]).hex() for size in range(8)] == ROOTS


def test_the_frontier_gives_the_root_of_the_definition_at_every_size():
    assert [merkle.root(MANY[:size]) for size in range(71)] == [plain_root(MANY[:size]) for size in range(71)]


def test_an_inclusion_proof_is_that_of_the_rfc():
    assert [node.hex() for node in merkle.inclusion_proof(0, LEAVES)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


def test_a_consistency_proof_is_that_of_the_rfc():
    assert [node.hex() for node in merkle.consistency_proof(6, LEAVES)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_every_inclusion_proof_of_small_trees_verifies_and_only_for_its_own_leaf():
    for size in range(1, 40):
        leaves = MANY[:size]
        root = merkle.root(leaves)
        for index in range(size):
            proof = merkle.inclusion_proof(index, leaves)
            merkle.verify_inclusion(index, size, leaves[index], proof, root)
            with pytest.raises(Unverified):
                merkle.verify_inclusion(index, size, MANY[-1], proof, root)


def test_every_consistency_proof_of_small_trees_verifies():
    for size in range(1, 40):
        for older in range(size + 1):
            proof = merkle.consistency_proof(older, MANY[:size])
            merkle.verify_consistency(older, merkle.root(MANY[:older]), size, merkle.root(MANY[:size]), proof)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 33])
def test_one_hash_more_has_its_own_failure(size):
    proof = [*merkle.inclusion_proof(size - 1, MANY[:size]), MANY[0]]
    with pytest.raises(Unverified) as caught:
        merkle.verify_inclusion(size - 1, size, MANY[size - 1], proof, merkle.root(MANY[:size]))
    assert caught.value.code == Exit.EXTRA_PROOF_HASH


def test_one_hash_less_fails():
    proof = merkle.inclusion_proof(3, LEAVES)[:-1]
    with pytest.raises(Unverified) as caught:
        merkle.verify_inclusion(3, 8, LEAVES[3], proof, merkle.root(LEAVES))
    assert caught.value.code == Exit.WRONG_PROOF


def test_consistency_with_a_rewritten_tree_fails():
    proof = merkle.consistency_proof(6, LEAVES)
    with pytest.raises(Unverified) as caught:
        merkle.verify_consistency(6, merkle.root(MANY[:6]), 8, merkle.root(LEAVES), proof)
    assert caught.value.code == Exit.INCONSISTENT
    with pytest.raises(Unverified) as caught:
        merkle.verify_consistency(6, merkle.root(LEAVES[:6]), 8, merkle.root(LEAVES), [*proof, MANY[0]])
    assert caught.value.code == Exit.EXTRA_PROOF_HASH


def test_a_proof_outside_the_tree_cannot_be_made():
    with pytest.raises(ValueError, match="does not lie"):
        merkle.inclusion_proof(8, LEAVES)
    with pytest.raises(ValueError, match="larger"):
        merkle.consistency_proof(9, LEAVES)
