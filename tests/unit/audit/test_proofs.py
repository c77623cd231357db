"""Proofs from the hashes that the database stores are those of the reference."""

import pytest

from audit import merkle, proofs
from tests import signing

pytestmark = pytest.mark.django_db


def test_inclusion_proofs_of_a_tree_with_tiles_are_those_of_the_reference(owner, django_assert_num_queries):
    signing.plant(owner, 1000)
    signing.sequence()
    hashes = signing.leaf_hashes()
    for size in (1, 2, 255, 256, 257, 511, 768, 1001):
        root = merkle.root(hashes[:size])
        for index in {0, size // 2, size - 1}:
            with django_assert_num_queries(2):
                proof = proofs.inclusion_proof(index, size)
            assert proof == merkle.inclusion_proof(index, hashes[:size])
            merkle.verify_inclusion(index, size, hashes[index], proof, root)


@pytest.mark.slow
def test_inclusion_proofs_of_a_tree_with_two_levels_of_tiles(owner):
    signing.plant(owner, 66_000)
    while signing.sequence():
        pass
    hashes = signing.leaf_hashes()
    root = merkle.root(hashes)
    for index in (0, 40_000, 65_535, 65_536, len(hashes) - 1):
        merkle.verify_inclusion(index, len(hashes), hashes[index], proofs.inclusion_proof(index, len(hashes)), root)
