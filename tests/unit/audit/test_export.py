"""From the database to a folder that the verifier, alone, finds whole or names the fault of."""

import base64

import pytest
from django.core.management import CommandError, call_command

from audit import checkpoints, export, sequencing, verify
from audit.verify import Exit
from tests import signing

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(signer, owner):
    owner.execute(
        """INSERT INTO audit_event (id, canonical)
           SELECT id, convert_to(json_build_object('id', id, 'kind', 'SIGNED_IN')::text, 'UTF8')
           FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 700)) AS new"""
    )
    signing.sequence()
    return signing.checkpoint()


def run(capsys, *arguments):
    code = verify.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out


def test_an_export_holds_and_continues_an_older_checkpoint(signed, signer, owner, tmp_path, capsys):
    older = tmp_path / "older"
    older.write_text(signer.read_text())
    owner.execute('INSERT INTO audit_event (id, canonical) VALUES (gen_random_uuid(), \'{"kind":"SIGNED_IN"}\')')
    signing.sequence()
    grown = signing.checkpoint()
    call_command("export_log", tmp_path / "export")
    assert f"{grown.size} events" in capsys.readouterr().out
    code, said = run(capsys, tmp_path / "export", "--key", checkpoints.verifier_key(), "--older", older)
    assert code == Exit.HOLDS, said


def test_an_export_of_an_altered_database_names_the_event(signed, owner, tmp_path, capsys):
    event_id = next(sequencing.leaves(300, 301)).event_id
    owner.execute("ALTER TABLE audit_event DISABLE TRIGGER ALL")
    owner.execute("UPDATE audit_event SET canonical = canonical || ' ' WHERE id = %s", [event_id])
    export.export(tmp_path / "export")
    code, said = run(capsys, tmp_path / "export", "--key", checkpoints.verifier_key())
    assert code == Exit.ALTERED_LEAF
    assert "index: 300" in said and str(event_id) in said


def test_an_export_without_a_deleted_event_is_named(signed, owner, tmp_path, capsys):
    owner.execute("ALTER TABLE audit_event DISABLE TRIGGER ALL")
    owner.execute("DELETE FROM audit_event WHERE id = (SELECT event_id FROM audit_leaf WHERE index = 300)")
    export.export(tmp_path / "export")
    code, said = run(capsys, tmp_path / "export", "--key", checkpoints.verifier_key())
    assert (code, "index: 300" in said) == (Exit.DROPPED_LEAF, True)


def test_an_export_never_overwrites(signed, tmp_path):
    export.export(tmp_path / "export")
    with pytest.raises(CommandError, match="not empty"):
        call_command("export_log", tmp_path / "export")


def test_nothing_is_exported_before_something_is_signed(signer, tmp_path):
    with pytest.raises(CommandError, match="Nothing is signed"):
        call_command("export_log", tmp_path / "export")


def test_the_proof_of_one_event_holds_alone(signed, signer, tmp_path, capsys):
    leaf = next(sequencing.leaves(321, 322))
    (tmp_path / "event").write_bytes(leaf.canonical)
    (tmp_path / "proof").write_text(export.event_proof(321, signer.read_text()))
    code, said = run(
        capsys, "--event", tmp_path / "event", "--proof", tmp_path / "proof", "--key", checkpoints.verifier_key()
    )
    assert (code, "number 321" in said) == (Exit.HOLDS, True)
    (tmp_path / "event").write_bytes(leaf.canonical + b" ")
    code, _said = run(
        capsys, "--event", tmp_path / "event", "--proof", tmp_path / "proof", "--key", checkpoints.verifier_key()
    )
    assert code == Exit.WRONG_PROOF


def test_an_event_that_is_not_signed_yet_has_no_proof(signed, signer):
    assert export.event_proof(signed.size, signer.read_text()) is None


def test_the_verifier_key_is_printed_and_made_once(signer, settings, capsys):
    call_command("verifier_key")
    printed = capsys.readouterr().out.strip()
    assert printed == str(checkpoints.verifier_key())
    assert len(base64.b64decode(printed.split("+", 2)[2])) == 33
    with pytest.raises(CommandError, match="not overwritten"):
        call_command("verifier_key", "--create")
