from django.urls import path

from portal.residents.views import journey, keep_out, mailbox, pages, status, verify

app_name = "residents"

urlpatterns = [
    path("", pages.home, name="home"),
    path("request/place/", journey.place, name="place"),
    path("request/contact/", journey.contact, name="contact"),
    path("request/code/", journey.code, name="code"),
    path("request/new-code/", journey.new_code, name="new-code"),
    path("request/consent/", journey.consent, name="consent"),
    path("request/without-consent/", journey.without_consent, name="without-consent"),
    path("request/photo/", journey.photo, name="photo"),
    path("request/addresses/", journey.addresses, name="addresses"),
    path("request/keep-out/", journey.keep_out, name="keep-out"),
    path("request/check/", journey.check, name="check"),
    path("request/photo/<int:number>/remove/", journey.remove_photo, name="remove-photo"),
    path("request/own-photo/<int:number>/", journey.own_photo, name="own-photo"),
    path("request/done/", journey.done, name="done"),
    path("status/", status.status, name="status"),
    path("status/code/", status.status_code, name="status-code"),
    path("status/case/", status.case, name="case"),
    path("status/leave/", status.leave, name="leave"),
    path("keep-out/", keep_out.enter, name="keep-out-code"),
    path("keep-out/lost/", keep_out.lost, name="keep-out-lost"),
    path("keep-out/yours/", keep_out.yours, name="keep-out-yours"),
    path("keep-out/renew/", keep_out.renew, name="keep-out-renew"),
    path("keep-out/end/", keep_out.end, name="keep-out-end"),
    path("withdraw/", status.withdraw, name="withdraw"),
    path("mailbox/", mailbox.mailbox, name="mailbox"),
    path("mailbox/<slug:digest>/<int:number>/", mailbox.attachment, name="mail-attachment"),
    path("verify/", verify.check, name="verify"),
    path("verify/certificate/", verify.certificate, name="certificate"),
    path("verify/verify.py", verify.program, name="verifier"),
    path("help/", pages.help_and_contacts, name="help"),
    path("exit/", pages.leave_at_once, name="exit"),
    path("about/", pages.about, name="about"),
    path("privacy/", pages.privacy, name="privacy"),
    path("accessibility/", pages.accessibility, name="accessibility"),
]
