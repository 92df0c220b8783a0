"""What is wrong with a photo, and what to do about it, in the words of the page."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from matching.types import Flaw, PhotoFault
from portal.cases.queries import OwnPhoto

SENTENCES: dict[PhotoFault, Promise] = {
    PhotoFault.NOT_AN_IMAGE: _("This file is not a photo. Choose a photo, for example a JPEG file from your phone."),
    PhotoFault.UNSUPPORTED: _(
        "We cannot read this kind of picture. Save the photo as JPEG, PNG, WebP or HEIC and choose it again."
    ),
    PhotoFault.ANIMATED: _("This picture moves. Choose a still photo."),
    PhotoFault.TRUNCATED: _("Part of the file is missing. Choose the original photo, or take a new one."),
    PhotoFault.DAMAGED: _("The file is damaged. Choose the original photo, or take a new one."),
    PhotoFault.TRANSPARENT: _(
        "The picture is transparent, and we cannot find a face in what can be seen of it. Choose the photo that it was "
        "made from, or take a new one."
    ),
    PhotoFault.TOO_SMALL: _(
        "The photo or the face in it is too small. Move closer, choose a larger photo, or cut a large one to your face."
    ),
    PhotoFault.TOO_BIG: _("The file is larger than 10 MB. Choose a smaller photo, or let your phone make it smaller."),
    PhotoFault.TOO_MANY_PIXELS: _(
        "The photo has more than 25 megapixels. Cut it to your face, or choose a smaller version of it."
    ),
    PhotoFault.NO_FACE: _(
        "We cannot find a face in the photo. If yours is only a small part of it, cut the photo to your face. "
        "Otherwise choose a photo as the camera took it, that shows your face from the front, with nothing covering it."
    ),
    PhotoFault.SEVERAL_FACES: _("There is more than one face in the photo. Choose one that shows only you."),
    PhotoFault.PERHAPS_SEVERAL: _(
        "There may be a second face in the photo, and we cannot tell which is yours. Cut the photo to your face and "
        "choose it again."
    ),
    PhotoFault.ANOTHER_FACE: _(
        "The face in this photo does not look like the one in the photos you gave before. Choose another photo of "
        "yourself, or remove the earlier one first."
    ),
    PhotoFault.TOO_MUCH_WORK: _("The photo took too long to read. Try again, or save it smaller."),
    PhotoFault.UNEXAMINED: _(
        "We could not look for a face in this photo. Choose another one, or cut it down to your face."
    ),
}

# What makes a photo find less than a better one would; it is used all the same.
ADVICE: dict[Flaw, Promise] = {
    Flaw.SMALL: _("Your face is small in this photo. We can use it; one taken from closer up would find more."),
    Flaw.DARK: _("This photo is very dark. We can use it; one taken facing a window or a lamp would find more."),
    Flaw.BRIGHT: _("This photo is too bright. We can use it; one taken out of direct light would find more."),
    Flaw.BLURRED: _("This photo is blurred. We can use it; one taken with the camera held still would find more."),
    Flaw.NEGATIVE: _(
        "This photo looks like a negative, in which hardly anyone resembles themselves. It may find little; choose "
        "the photo as the camera took it."
    ),
    Flaw.NOISY: _("This photo is full of noise. It may find little; one taken in more light would find more."),
    Flaw.STRIPED: _("There are stripes across your face. It may find little; choose a photo without them."),
    Flaw.POSTERISED: _("This photo has few shades left. It may find little; choose the photo as the camera took it."),
    Flaw.TURNED: _("Your face is turned away. We can use this photo; one that looks at the camera would find more."),
}


@dataclass(frozen=True)
class GivenPhoto:
    number: int
    advice: Promise | str


def with_advice(photos: Iterable[OwnPhoto]) -> list[GivenPhoto]:
    return [GivenPhoto(photo.number, ADVICE[Flaw(photo.flaw)] if photo.flaw else "") for photo in photos]
