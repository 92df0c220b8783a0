from django.urls import path

from portal.staff.views import cases, decide, evidence, proposals, queue, session, system

app_name = "staff"

urlpatterns = [
    path("sign-in/", session.sign_in, name="sign-in"),
    path("sign-out/", session.sign_out, name="sign-out"),
    path("", queue.queue, name="queue"),
    path("cases/<uuid:code>/", cases.case, name="case"),
    path("cases/<uuid:code>/unlock/", cases.unlock, name="unlock"),
    path("cases/<uuid:code>/approve/", decide.approve, name="approve"),
    path("cases/<uuid:code>/decide/", decide.decide, name="decide"),
    path("cases/<uuid:code>/refuse/", decide.refuse, name="refuse"),
    path("cases/<uuid:code>/photo/", evidence.photo, name="photo"),
    path("cases/<uuid:code>/matches/<int:pk>/image/", evidence.match, name="match"),
    path("cases/<uuid:code>/matches/<int:pk>/restore/", decide.restore, name="restore"),
    path("proposals/<int:pk>/", proposals.proposal, name="proposal"),
    path("proposals/<int:pk>/confirm/", proposals.confirm, name="confirm"),
    path("proposals/<int:pk>/decline/", proposals.decline, name="decline"),
    path("proposals/<int:pk>/take-back/", proposals.take_back, name="take-back"),
    path("system/", system.system, name="system"),
    path("system/jobs/<int:pk>/retry/", system.retry_job, name="retry-job"),
    path("system/steps/<int:pk>/retry/", system.retry_step, name="retry-step"),
]
