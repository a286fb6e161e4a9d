"""Files that are added to a task: which are taken, who may add them, and what they prove."""

from __future__ import annotations

import hashlib
from io import BytesIO
from uuid import uuid4

import pytest

from humantasks import chain, inbox
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask, TaskAttachment, TaskDecision
from orchestrator import get_run

PDF = b"%PDF-1.7 a passport"
PNG = b"\x89PNG\r\n\x1a\n and so on"
LOW = {"risk": "low"}


@pytest.fixture
def attach(alice):
    def do(task, user=alice, content=PDF, name="passport.pdf", **options):
        return inbox.attach(task, user=user, file=BytesIO(content), name=name, **options)

    return do


@pytest.fixture
def attach_wrong(task, attach):
    def do(**file):
        with pytest.raises(InvalidAnswer) as caught:
            attach(task, **file)
        return str(caught.value)

    return do


def breaks():
    return [(one.seq, one.what) for one in chain.breaks(HumanTask.objects.all(), with_files=True)]


# ---- what is taken -------------------------------------------------------------------


def test_a_file_is_kept_with_its_sum_and_an_entry_in_the_audit(task, alice, attach, store):
    made = attach(task)

    kept = TaskAttachment.objects.get()
    assert kept == made
    assert (kept.name, kept.mime, kept.size) == ("passport.pdf", "application/pdf", len(PDF))
    assert kept.sha256 == hashlib.sha256(PDF).hexdigest()
    assert store.open(kept.file.name).read() == PDF
    entry = task.audit.latest("seq")
    assert (entry.verb, entry.actor, entry.reason) == ("attached", alice, "passport.pdf")
    assert entry.changes == {"sha256": kept.sha256, "size": len(PDF)}
    assert breaks() == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("passport.pdf", b"", "is empty"),
        ("passport.pdf", b"<html>", "no PDF file"),
        ("passport.png", PDF, "no PNG file"),
        ("photo.webp", b"RIFF1234WAVE", "no WEBP file"),
        ("notes.txt", b"one\x00two", "no TXT file"),
        ("notes.csv", b"\xff\xfe\x00", "no CSV file"),
        ("page.html", b"<html>", "of one of these kinds"),
        ("image.svg", b"<svg>", "of one of these kinds"),
        ("program", b"MZ", "of one of these kinds"),
        ("", PDF, "of one of these kinds"),
    ],
)
def test_what_is_not_what_it_is_called_is_refused(attach_wrong, store, name, content, words):
    assert words in attach_wrong(name=name, content=content)

    assert not TaskAttachment.objects.exists()
    assert store.listdir("") == ([], [])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", PNG),
        ("a.JPG", b"\xff\xd8\xff\xe0"),
        ("a.webp", b"RIFF1234WEBP"),
        ("a.heic", b"1234ftypheic"),
        ("a.txt", "Größe".encode()),
        ("a.csv", b"\xef\xbb\xbfname;age\r\n"),
        ("a.docx", b"PK\x03\x04"),
    ],
)
def test_other_kinds_are_known_by_how_they_begin(task, attach, name, content):
    assert attach(task, name=name, content=content).name == name


def test_a_letter_that_is_cut_off_where_the_look_ends_is_no_fault(task, attach):
    assert attach(task, name="a.txt", content=b"a" * 4_095 + "ö".encode() + b"b")


def test_limits_are_settings(task, attach, settings):
    settings.HUMANTASKS_ATTACHMENT_SIZE = 30
    settings.HUMANTASKS_ATTACHMENT_COUNT = 1
    settings.HUMANTASKS_ATTACHMENT_TYPES = "pdf, .txt"
    with pytest.raises(InvalidAnswer, match="larger than 30\xa0bytes"):
        attach(task, content=b"%PDF-" + b"x" * 26)
    with pytest.raises(InvalidAnswer, match="of one of these kinds: pdf, txt"):
        attach(task, content=PNG, name="a.png")
    attach(task)

    with pytest.raises(InvalidAnswer, match="at most 1 files"):
        attach(task)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passport.pdf", "passport.pdf"),
        ("C:\\Users\\Ada\\passport.pdf", "passport.pdf"),
        ("pass\u202eport\x07.pdf", "passport.pdf"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_a_name_is_no_path_and_hides_nothing(task, attach, given, kept):
    assert attach(task, name=given).name == kept


# ---- who and when --------------------------------------------------------------------


def test_who_may_not_see_the_data_may_not_add_to_it(task, attach, carol, store):
    with pytest.raises(NotEligible):
        attach(task, carol)

    assert store.listdir("") == ([], [])


def test_who_is_asked_a_question_may_answer_with_a_file(ask, attach, alice, carol):
    task = inbox.claim(ask(initiator=carol), user=alice)
    inbox.request_info(task, user=alice, question="Which passport?")

    assert attach(task, carol).user == carol


def test_a_task_that_has_ended_takes_no_file_and_keeps_none(task, alice, attach, store):
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve", data=LOW)

    with pytest.raises(TaskConflict):
        attach(task)

    assert not TaskAttachment.objects.exists()
    assert store.exists("humantasks") is False or not any(_files(store, "humantasks"))


def _files(store, path):
    folders, files = store.listdir(path)
    yield from files
    for folder in folders:
        yield from _files(store, f"{path}/{folder}")


def test_sent_twice_it_is_added_once(task, attach, store):
    name = uuid4()

    first, again = (attach(task, submission_id=name) for _ in range(2))

    assert first == again
    assert len(list(_files(store, "humantasks"))) == 1
    assert task.audit.filter(verb="attached").count() == 1


# ---- replacing -----------------------------------------------------------------------


def test_a_better_file_takes_the_place_of_another_which_stays(task, attach):
    old = attach(task)

    new = attach(task, content=b"%PDF-1.7 sharper", name="sharper.pdf", replaces=old.pk)

    old.refresh_from_db()
    assert (old.superseded_by, old.is_current, new.is_current) == (new, False, True)
    assert old.file.read() == PDF
    entry = task.audit.latest("seq")
    assert (entry.verb, entry.changes["replaces"]) == ("replaced", old.sha256)


def test_two_who_replace_the_same_file_are_told(task, attach):
    old = attach(task)
    attach(task, replaces=old.pk)

    with pytest.raises(InvalidAnswer, match="replaced meanwhile"):
        attach(task, replaces=old.pk)

    assert TaskAttachment.objects.count() == 2


# ---- proof ---------------------------------------------------------------------------


def test_who_judged_without_the_file_is_told_first(task, alice, bob, attach):
    mine = inbox.claim(task, user=alice)
    attach(task, bob)

    with pytest.raises(TaskConflict) as caught:
        inbox.complete(mine, user=alice, outcome="approve", data=LOW, data_rev=mine.data_rev)

    assert caught.value.code == "stale"


def test_the_decision_proves_which_files_were_seen(ask, alice, attach):
    digests = []
    for number, content in enumerate([None, PDF, b"%PDF-1.7 another"]):
        task = inbox.claim(ask(name=f"run-{number}"), user=alice)
        if content:
            attach(task, content=content)
        inbox.complete(task, user=alice, outcome="approve", data=LOW)
        digests.append(TaskDecision.objects.get(task=task).evidence_digest)

    assert len(set(digests)) == 3
    assert breaks() == []


def test_the_workflow_gets_the_files_that_count(task, alice, attach, runs):
    old = attach(inbox.claim(task, user=alice))
    new = attach(task, content=PNG, name="photo.png", replaces=old.pk)

    inbox.complete(task, user=alice, outcome="approve", data=LOW)

    runs.drain()
    [found] = get_run(task.run_id).result(timeout=0).attachments
    assert found == {
        "id": new.pk,
        "name": "photo.png",
        "type": "image/png",
        "size": len(PNG),
        "sha256": new.sha256,
    }


@pytest.mark.parametrize(
    ("offence", "what"),
    [
        (lambda rows, _: rows.update(sha256="0" * 64), "the attached file was changed"),
        (lambda rows, _: rows.update(name="other.pdf"), "the attached file was changed"),
        (lambda rows, _: rows.delete(), "the attached file was changed or removed"),
        (lambda _, store: store.delete(_path()), "the file itself was changed"),
        (lambda _, store: _overwrite(store), "the file itself was changed"),
    ],
)
def test_a_file_that_is_changed_behind_it_is_found(task, attach, store, offence, what):
    made = attach(task)

    offence(TaskAttachment.objects.all(), store)

    [(seq, found)] = breaks()
    assert seq == made.seq
    assert what in found


def _path():
    return TaskAttachment.objects.get().file.name


def _overwrite(store):
    path = _path()
    store.delete(path)
    store.save(path, BytesIO(b"%PDF-1.7 forged"))


def test_hiding_an_earlier_file_breaks_the_proof_of_the_decision(task, alice, attach):
    inbox.claim(task, user=alice)
    first, second = attach(task), attach(task, content=PNG, name="photo.png")
    inbox.complete(task, user=alice, outcome="approve", data=LOW)

    TaskAttachment.objects.filter(pk=first.pk).update(superseded_by=second)

    assert [what for _seq, what in breaks()] == ["the evidence, or what was asked, was changed"]
