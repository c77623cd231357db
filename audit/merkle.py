"""The Merkle tree of RFC 6962: roots, and the proofs that `verify` checks.

Proofs are first a list of leaf ranges, so that a caller with millions of leaves fetches only what is needed.
"""

from collections.abc import Iterable, Sequence

from audit.verify import (
    TILE_WIDTH,
    Frontier,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

__all__ = [
    "TILE_WIDTH",
    "Frontier",
    "consistency_proof",
    "consistency_ranges",
    "inclusion_proof",
    "inclusion_ranges",
    "leaf_hash",
    "node_hash",
    "root",
    "subtrees",
    "verify_consistency",
    "verify_inclusion",
]


def root(hashes: Iterable[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf hashes."""
    frontier = Frontier()
    for leaf in hashes:
        frontier.append(leaf)
    return frontier.root()


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Return the ranges [start, end) whose roots are the inclusion proof of leaf `index`, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError("The leaf does not lie in the tree.")
    ranges, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """Return the ranges whose roots prove that the tree of `old_size` is a prefix of that of `new_size`."""
    if not 0 <= old_size <= new_size:
        raise ValueError("The older tree is larger than the newer one.")
    if old_size in (0, new_size):
        return []
    ranges, start, end = [], 0, new_size
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start > 0:
        ranges.append((start, end))
    return ranges[::-1]


def inclusion_proof(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Return the RFC 6962 proof of leaf `index` from all leaf hashes: the plain way that the stored one is tested against."""
    return [root(hashes[start:end]) for start, end in inclusion_ranges(index, len(hashes))]


def consistency_proof(old_size: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Return the RFC 6962 proof that the tree continues the one of `old_size`, from all leaf hashes."""
    return [root(hashes[start:end]) for start, end in consistency_ranges(old_size, len(hashes))]


def subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """Return (height, index) of the complete subtrees, largest first, that a range of a proof is made of."""
    parts = []
    while start < end:
        height = (end - start).bit_length() - 1
        parts.append((height, start >> height))
        start += 1 << height
    return parts


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1
