"""Proofs that an event is in the log, from the hashes that the database stores."""

from django.db import connection

from audit import merkle


def inclusion_proof(index: int, size: int) -> list[bytes]:
    """Return the RFC 6962 inclusion proof of leaf `index` in the tree of `size`, in two queries whatever the size."""
    proof = [merkle.subtrees(start, end) for start, end in merkle.inclusion_ranges(index, size)]
    stored = _stored_hashes({part for parts in proof for part in parts})
    return [_fold([_subtree(part, stored) for part in parts]) for parts in proof]


def _span(part: tuple[int, int]) -> tuple[int, int, int]:
    """Return (tile level, first index, count) of the stored hashes that a complete subtree is made of."""
    height, index = part
    rest = height % 8
    return height // 8, index << rest, 1 << rest


def _stored_hashes(parts: set[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    spans = [_span(part) for part in parts]
    hashes: dict[tuple[int, int], bytes] = {}
    with connection.cursor() as cursor:
        for table, level, chosen in (
            ("audit_leaf", "0", [span for span in spans if span[0] == 0]),
            ("audit_tile", "stored.level", [span for span in spans if span[0] > 0]),
        ):
            cursor.execute(
                f"""
                SELECT {level}, stored.index, stored.hash
                FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS span (level, first, count)
                JOIN {table} AS stored ON {level} = span.level
                    AND stored.index >= span.first AND stored.index < span.first + span.count
                """,  # noqa: S608 - two fixed names, no input
                [[span[i] for span in chosen] for i in range(3)],
            )
            hashes |= {(level, index): bytes(value) for level, index, value in cursor.fetchall()}
    return hashes


def _subtree(part: tuple[int, int], stored: dict[tuple[int, int], bytes]) -> bytes:
    level, first, count = _span(part)
    return merkle.root(stored[level, index] for index in range(first, first + count))


def _fold(nodes: list[bytes]) -> bytes:
    root = nodes[-1]
    for node in reversed(nodes[:-1]):
        root = merkle.node_hash(node, root)
    return root
