"""How gunicorn serves the portal, wherever it is started: `gunicorn --config=python:portal.gunicorn_options`."""

wsgi_app = "portal.wsgi:application"
worker_class = "portal.core.web_server.BufferingWorker"
logger_class = "portal.core.logs.WebLogger"
workers = 2
threads = 4
timeout = 120
graceful_timeout = 5
control_socket_disable = True
