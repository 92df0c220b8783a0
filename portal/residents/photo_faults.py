"""What is wrong with a photo, and what to do about it, in the words of the page."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from matching.types import PhotoFault

SENTENCES: dict[PhotoFault, Promise] = {
    PhotoFault.NOT_AN_IMAGE: _("This file is not a photo. Choose a photo, for example a JPEG file from your phone."),
    PhotoFault.UNSUPPORTED: _(
        "We cannot read this kind of picture. Save the photo as JPEG, PNG, WebP or HEIC and choose it again."
    ),
    PhotoFault.ANIMATED: _("This picture moves. Choose a still photo."),
    PhotoFault.TRUNCATED: _("Part of the file is missing. Choose the original photo, or take a new one."),
    PhotoFault.TOO_SMALL: _("The photo or the face in it is too small. Move closer, or choose a larger photo."),
    PhotoFault.TOO_BIG: _("The file is larger than 10 MB. Choose a smaller photo, or let your phone make it smaller."),
    PhotoFault.TOO_MANY_PIXELS: _("The photo has too many pixels. Choose a smaller version of it."),
    PhotoFault.NO_FACE: _(
        "We cannot find a face in the photo. Face the camera, in even light, with nothing covering you."
    ),
    PhotoFault.SEVERAL_FACES: _("There is more than one face in the photo. Choose one that shows only you."),
}
