from django.urls import path

from portal.staff.views import cases, decide, evidence, orders, proposals, queue, recipients, session, system

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
    path("orders/", orders.orders, name="orders"),
    path("orders/new/", orders.new, name="order-new"),
    path("orders/<uuid:code>/", orders.order, name="order"),
    path("orders/<uuid:code>/confirm/", orders.confirm, name="order-confirm"),
    path("orders/<uuid:code>/decline/", orders.decline, name="order-decline"),
    path("orders/<uuid:code>/take-back/", orders.take_back, name="order-take-back"),
    path("orders/<uuid:code>/pause/", orders.pause, name="order-pause"),
    path("orders/<uuid:code>/resume/", orders.resume, name="order-resume"),
    path("recipients/", recipients.recipients, name="recipients"),
    path("recipients/<int:pk>/channel/", recipients.channel, name="channel"),
    path("recipients/<int:pk>/confirm/", recipients.confirm_channel, name="confirm-channel"),
    path("recipients/<int:pk>/decline/", recipients.decline_channel, name="decline-channel"),
    path("notices/<uuid:pk>/retry/", recipients.retry_notice, name="retry-notice"),
    path("notices/<uuid:pk>/settle/", recipients.settle_notice, name="settle-notice"),
    path("system/", system.system, name="system"),
    path("system/jobs/<int:pk>/retry/", system.retry_job, name="retry-job"),
    path("system/steps/<int:pk>/retry/", system.retry_step, name="retry-step"),
]
