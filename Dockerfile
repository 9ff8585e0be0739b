FROM python:3.13-slim-trixie AS build
RUN python -m venv /opt/venv
# Before the source: an edit of the app installs nothing anew. No RUN --mount: the classic builder
# (Docker 20.10 without buildx) does not know it.
COPY requirements/app.txt /tmp/app.txt
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/app.txt

FROM python:3.13-slim-trixie
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv
# Owned by root and not writable by the user that runs it, but readable whatever umask it was cloned under.
COPY app/ app/
RUN chmod -R a+rX app && python -m compileall -q app
USER 65532:65532
EXPOSE 8000
# SIGINT would be Gunicorn's quick shutdown, which drops what is in flight.
STOPSIGNAL SIGTERM
# Exec form: no shell between the stop signal and the server.
CMD ["python", "-m", "app"]
