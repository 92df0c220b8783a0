from django.urls import path

from portal.api import log

app_name = "log"

urlpatterns = [
    path("checkpoint", log.checkpoint, name="checkpoint"),
    path("checkpoints", log.checkpoints, name="checkpoints"),
    path("checkpoints/<int:size>", log.checkpoint_of, name="checkpoint-of"),
    path("consistency/<int:old>/<int:new>", log.consistency, name="consistency"),
    path("leaves", log.leaves, name="leaves"),
    path("leaves/<int:number>", log.part, name="part"),
    path("keys", log.keys, name="keys"),
    path("verify.py", log.verifier, name="verifier"),
    path("key-changes", log.key_changes, name="key-changes"),
]
