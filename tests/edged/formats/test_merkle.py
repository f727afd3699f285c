"""RFC 6962 trees: known answers, an independent implementation's vectors, and every small size."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.formats import merkle
from edged.formats.checkpoint import Checkpoint, countersign, open_checkpoint, sign_checkpoint
from edged.formats.merkle import Tree, consistency_proof, inclusion_proof, is_consistent, is_included
from edged.formats.note import Signer, Verifier, open_note

# Made by this code, then compared once, byte for byte, with what Go's golang.org/x/mod/sumdb/tlog and
# /note (0.7.0, Debian) compute for the same entries: all roots, all paths, all proofs accepted, both
# signatures verified. See docs/ledger.md, "Checked against others".
GOLDEN = json.loads((Path(__file__).parent / "golden_tlog.json").read_text(encoding="utf-8"))
LEAVES = [merkle.leaf_hash(f"entry {n}".encode()) for n in range(40)]
ROOTS = [merkle.root_of(LEAVES[:n]) for n in range(41)]

# The test data of the certificate-transparency project for RFC 6962: eight leaves and the root over each prefix.
RFC_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
RFC_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def unbase64(texts: list[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Tree().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_roots_are_the_known_answers_of_rfc_6962() -> None:
    tree = Tree()
    roots = []
    for leaf in RFC_LEAVES:
        tree.append(merkle.leaf_hash(bytes.fromhex(leaf)))
        roots.append(tree.root().hex())
    assert roots == RFC_ROOTS


def test_roots_and_paths_are_those_of_the_implementation_in_go() -> None:
    assert [base64.b64encode(root).decode() for root in ROOTS[:38]] == GOLDEN["roots"]
    for case in GOLDEN["inclusion"]:
        assert inclusion_proof(LEAVES[: case["size"]], case["index"]) == unbase64(case["path"])
    for case in GOLDEN["consistency"]:
        assert consistency_proof(LEAVES[: case["size"]], case["old"]) == unbase64(case["path"])


def test_notes_are_those_that_the_implementation_in_go_accepts() -> None:
    station = Signer.from_seed("edged/golden-1", bytes.fromhex(GOLDEN["station_seed"]))
    centre = Signer.from_seed("centre/golden", bytes.fromhex(GOLDEN["centre_seed"]))
    checkpoint = Checkpoint(station.name, 37, ROOTS[37])

    data = countersign(sign_checkpoint(checkpoint, station), station.verifier, centre)

    assert (str(station.verifier), str(centre.verifier)) == (GOLDEN["station_key"], GOLDEN["centre_key"])
    assert data.decode() == GOLDEN["checkpoint"]
    assert open_checkpoint(data, station.verifier, Verifier.parse(GOLDEN["centre_key"])) == checkpoint
    text = open_note(GOLDEN["text_note"].encode(), [station.verifier]).text
    assert text.decode() == "Рядок українською\n\nдругий абзац\n"


@pytest.mark.parametrize("size", range(1, 41))
def test_every_leaf_is_proved_and_nothing_else(size: int) -> None:
    for index in range(size):
        path = inclusion_proof(LEAVES[:size], index)
        assert is_included(LEAVES[index], index, size, path, ROOTS[size])
        assert not is_included(LEAVES[(index + 1) % 40], index, size, path, ROOTS[size])
        assert not is_included(LEAVES[index], index, size, [*path, LEAVES[0]], ROOTS[size])
        assert not is_included(LEAVES[index], index + 1, size, path, ROOTS[size])
        assert not is_included(LEAVES[index], index, size, path, ROOTS[size - 1])
        if path:
            assert not is_included(LEAVES[index], index, size, path[:-1], ROOTS[size])


@pytest.mark.parametrize("size", range(1, 41))
def test_every_prefix_is_proved_and_nothing_else(size: int) -> None:
    for old in range(1, size + 1):
        path = consistency_proof(LEAVES[:size], old)
        assert is_consistent(old, size, ROOTS[old], ROOTS[size], path)
        assert not is_consistent(old, size, ROOTS[old - 1], ROOTS[size], path)
        assert not is_consistent(old, size, ROOTS[old], ROOTS[old - 1], path)
        assert not is_consistent(old, size, ROOTS[old], ROOTS[size], [*path, LEAVES[0]])
        if path:
            assert not is_consistent(old, size, ROOTS[old], ROOTS[size], path[:-1])


@pytest.mark.fault("T21", "an inner node cannot be passed off as a leaf: the two are hashed differently")
def test_a_node_is_no_leaf() -> None:
    node = merkle.node_hash(LEAVES[0], LEAVES[1])

    assert merkle.leaf_hash(LEAVES[0] + LEAVES[1]) != node
    assert not is_included(merkle.leaf_hash(LEAVES[0] + LEAVES[1]), 0, 1, [], ROOTS[2])


@given(st.integers(0, 40))
def test_a_tree_goes_on_from_its_peaks(size: int) -> None:
    tree = Tree()
    for leaf in LEAVES[:size]:
        tree.append(leaf)
    again = Tree.resume(size, tree.peaks())
    for leaf in LEAVES[size:]:
        again.append(leaf)
    assert again.root() == ROOTS[40]


@given(st.lists(st.binary(max_size=40), max_size=70), st.integers(-1, 50), st.integers(-1, 50))
def test_any_path_is_answered_with_no(path: list[bytes], index: int, size: int) -> None:
    assert not is_included(LEAVES[0], index, size, path, b"\x00" * 32)
    assert not is_consistent(index, size, b"\x00" * 32, b"\x01" * 32, path)
