"""Where a download may be written to."""

import os
from pathlib import Path
from threading import Thread

from tidemill_client.downloads import appearing


def test_a_file_takes_its_name_once_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "result.csv"

    with appearing(target) as file:
        file.write(b"a,b\n")
        before = target.exists()

    assert not before
    assert target.read_bytes() == b"a,b\n"
    assert list(tmp_path.iterdir()) == [target]


def test_a_pipe_is_written_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()

    with appearing(pipe) as file:
        file.write(b"a,b\n")
    reader.join()

    assert read == [b"a,b\n"]
    assert pipe.is_fifo()


def test_a_link_such_as_that_of_standard_output_stays_a_link(tmp_path: Path) -> None:
    link, target = tmp_path / "stdout", tmp_path / "redirected"
    target.touch()
    link.symlink_to(target)

    with appearing(link) as file:
        file.write(b"a,b\n")

    assert link.is_symlink()
    assert target.read_bytes() == b"a,b\n"
