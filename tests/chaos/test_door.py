"""What was cut before its end is no answer: whoever asked asks again."""

import http.client
import socket
import threading
from contextlib import closing, contextmanager

import pytest

from tests.chaos.door import HOST, Door

WHOLE = b"HTTP/1.1 302 Found\r\nLocation: /suite/\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def one_that_dies_after(said: bytes):
    """Its port."""
    with socket.create_server((HOST, 0)) as door:

        def speak():
            line, _address = door.accept()
            with closing(line):
                line.recv(65536)
                line.sendall(said)

        speaker = threading.Thread(target=speak)
        speaker.start()
        yield door.getsockname()[1]
        speaker.join()


def test_a_whole_answer_is_one():
    with one_that_dies_after(WHOLE) as port:
        assert Door(port=port).ask("/", 5) == (302, "ok")


@pytest.mark.parametrize("length", [0, 15, 20, 30, 40, len(WHOLE) - 3, len(WHOLE) - 1])
def test_one_that_was_cut_is_none_wherever_it_was(length):
    with one_that_dies_after(WHOLE[:length]) as port, pytest.raises((http.client.HTTPException, OSError)):
        Door(port=port).ask("/", 5)
