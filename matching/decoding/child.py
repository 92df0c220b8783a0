"""The process that decodes. It has one friend, the socket that is its standard input, and ends with it."""

import json
import os
import signal
import sys
from dataclasses import asdict

from PIL import Image

from matching.decoding import frames, parsing, sandbox
from matching.decoding.limits import Limits

SOCKET = 0
STRIP = 1 << 20  # bytes of pixels made at a time, so that the answer is never held whole a second time
GRACE = 2.0  # seconds after which a child ends itself whose parent was killed and cannot


def main(limits: Limits) -> None:
    parsing.prepare(limits)
    confinement = json.dumps(asdict(sandbox.confine(limits))).encode()
    send(frames.GREETING.pack(len(confinement)) + confinement)
    while True:
        answer_one(limits)


def answer_one(limits: Limits) -> None:
    side, length = frames.QUESTION.unpack(receive(frames.QUESTION.size))
    signal.setitimer(signal.ITIMER_REAL, limits.seconds + GRACE)  # unhandled, the signal ends the process
    try:
        picture, is_see_through = parsing.picture_of(receive(length), limits, side=side)
    except parsing.Unusable as unusable:
        send(frames.ANSWER.pack(frames.FAULT, frames.FAULTS.index(unusable.fault), 0))
    else:
        send(frames.ANSWER.pack(frames.SEE_THROUGH if is_see_through else frames.PIXELS, *picture.size))
        send_pixels(picture)
    signal.setitimer(signal.ITIMER_REAL, 0)


def send_pixels(picture: Image.Image) -> None:
    rows = max(1, STRIP // (3 * picture.width))
    for top in range(0, picture.height, rows):
        send(picture.crop((0, top, picture.width, min(top + rows, picture.height))).tobytes())


def receive(length: int) -> bytes:
    taken = bytearray()
    while len(taken) < length:
        part = os.read(SOCKET, min(length - len(taken), STRIP))
        if not part:  # the parent is gone, or done with us
            os._exit(0)
        taken += part
    return bytes(taken)


def send(content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(SOCKET, left) :]


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    main(Limits(**{**given, "formats": tuple(given["formats"])}))
