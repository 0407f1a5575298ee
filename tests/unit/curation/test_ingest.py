import functools
import hashlib
import http.server
import io
import tarfile
import threading

import pytest
from tests import films

from praxino.curation import ingest
from praxino.curation.ingest import sources, watch


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    (folder / "b").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for name in (
        "z.mp4",
        "b/a.MOV",
        ".secret.mp4",
        ".hidden/x.mp4",
        "z.srt",
        "z.en.vtt",
        "z.json",
        "zz.txt",
        "notes.pdf",
    ):
        (folder / name).write_bytes(name.encode())
    return folder


def packed(path, **members):
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            about = tarfile.TarInfo(name.replace("__", "."))
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    return path


def test_a_folder_is_searched_through_in_order_without_hidden_files(raw):
    found = list(sources([raw]))
    assert [one.uri for one in found] == ["z.mp4", "b/a.MOV"]
    assert found[0].digest == hashlib.sha256(b"z.mp4").hexdigest()
    assert [path.name for path in found[0].beside] == ["z.en.vtt", "z.json", "z.srt"]
    assert list(sources([raw])) == found


def test_a_file_that_is_given_is_taken_whatever_it_is_called(raw):
    assert [one.uri for one in sources([raw / "notes.pdf"])] == ["notes.pdf"]


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        list(sources([tmp_path / "nothing"]))


def test_two_folders_never_give_two_files_one_name(tmp_path, raw):
    other = tmp_path / "other"
    other.mkdir()
    (other / "z.mp4").write_bytes(b"another")
    assert [one.uri for one in sources([raw, other])] == ["z.mp4", "b/a.MOV", "other/z.mp4"]


def test_a_pipe_is_put_aside_and_not_waited_for(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.mp4")
    (found,) = sources([tmp_path])
    assert found.flaw == "it is not a file"


def test_videos_of_a_tar_come_out_with_what_is_said_beside_them(tmp_path):
    packed(
        tmp_path / "shard.tar", **{"0001__json": b"{}", "0001__mp4": b"one", "0002__mp4": b"two", "0002__txt": b"words"}
    )
    found = list(sources([tmp_path / "shard.tar"], cache=tmp_path / "cache"))
    assert [one.uri for one in found] == ["shard.tar/0001.mp4", "shard.tar/0002.mp4"]
    assert [one.path.read_bytes() for one in found] == [b"one", b"two"]
    assert [[path.read_bytes() for path in one.beside] for one in found] == [[b"{}"], [b"words"]]
    assert list(sources([tmp_path / "shard.tar"], cache=tmp_path / "cache")) == found


def test_a_tar_writes_nothing_outside_the_cache(tmp_path):
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        for name in ("../../evil.mp4", "/tmp/evil.mp4"):
            about = tarfile.TarInfo(name)
            about.size = 4
            tar.addfile(about, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("link.mp4")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    cache = tmp_path / "deep" / "cache"
    found = list(sources([tmp_path / "evil.tar"], cache=cache))
    assert len(found) == 2
    assert all(cache in one.path.parents and one.path.read_bytes() == b"evil" for one in found)
    assert not (tmp_path / "evil.mp4").exists()


def test_a_broken_tar_is_put_aside(tmp_path):
    (tmp_path / "bad.tar").write_bytes(b"\1" * 3000)
    (found,) = sources([tmp_path], cache=tmp_path / "cache")
    assert "broken" in found.flaw


@pytest.fixture
def served(tmp_path):
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "film.mp4").write_bytes(b"film" * 1000)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_list_of_addresses_is_fetched_once(tmp_path, served):
    local = tmp_path / "local.mp4"
    local.write_bytes(b"local")
    lines = ["# films", f"{served}/film.mp4?token=secret", f"{served}/none.mp4", "ftp://x/y.mp4", f"file://{local}", ""]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    found = list(sources([tmp_path / "list.txt"], cache=tmp_path / "cache"))
    assert [one.uri for one in found][:2] == [f"{served}/film.mp4", f"{served}/none.mp4"]
    assert found[0].path.read_bytes() == b"film" * 1000
    assert ["404" in found[1].flaw, "'ftp'" in found[2].flaw, found[3].flaw] == [True, True, ""]
    found[0].path.write_bytes(b"kept")
    assert (
        next(sources([tmp_path / "list.txt"], cache=tmp_path / "cache")).digest == hashlib.sha256(b"kept").hexdigest()
    )


def test_what_is_fetched_is_bounded(tmp_path, served, monkeypatch):
    monkeypatch.setattr(ingest, "MOST_BYTES", 1000)
    (tmp_path / "list.txt").write_text(f"{served}/film.mp4")
    (found,) = sources([tmp_path / "list.txt"], cache=tmp_path / "cache")
    assert "too large" in found.flaw
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_watched_folder_gives_new_files_when_they_have_stopped_growing(tmp_path, monkeypatch):
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) < 5:
            with (tmp_path / "b.mp4").open("ab") as out:
                out.write(b"more")

    monkeypatch.setattr(ingest.time, "sleep", nap)
    (tmp_path / "a.mp4").write_bytes(b"first")
    found = list(watch([tmp_path], 3, rounds=9))
    assert [(one.uri, one.digest) for one in found] == [
        ("a.mp4", hashlib.sha256(b"first").hexdigest()),
        ("b.mp4", hashlib.sha256(b"more" * 4).hexdigest()),
    ]
    assert naps == [3] * 8


def test_films_of_a_folder_can_be_scanned(tmp_path):
    films.save(tmp_path / "film.mp4", films.film(6))
    (found,) = sources([tmp_path])
    assert films.scanned(found.path).probe.width == 512
