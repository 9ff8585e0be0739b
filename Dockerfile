FROM python:3.13-slim-trixie AS build
RUN python -m venv --without-pip /opt/venv
# Before the source, so that an edit of the app installs nothing. Docker 20.10 without buildx does not know RUN --mount.
COPY requirements/app.txt /tmp/app.txt
RUN pip --python /opt/venv install --no-cache-dir --no-compile --disable-pip-version-check \
    --root-user-action=ignore --require-hashes -r /tmp/app.txt
# Importing a module writes its bytecode: this keeps the servers' bytecode and leaves out 12 MB of the rest.
RUN for server in uvicorn fastapi gunicorn hypercorn; do /opt/venv/bin/$server --help >/dev/null; done && \
    /opt/venv/bin/python -c "import fastapi.staticfiles, prometheus_client, pydantic.v1, pydantic_settings, \
    uvicorn.lifespan.on, uvicorn.protocols.http.httptools_impl, uvicorn.protocols.websockets.auto"

FROM python:3.13-slim-trixie
# No installer at run time: on a read-only file system only an intruder would use one.
RUN python -c "import ensurepip, pip, shutil; [shutil.rmtree(m.__path__[0]) for m in (ensurepip, pip)]" && \
    rm -f /usr/local/bin/pip*
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv
# Owned by root and not writable by the user that runs it; readable whatever umask it was cloned under.
COPY src/behindproxy_serve/ behindproxy_serve/
COPY app/ app/
RUN chmod -R a+rX . && python -m compileall -q .
USER 65532:65532
EXPOSE 8000
# For plain `docker run`; docker-compose.yml has its own. Allows a minute to start. No --start-period: Compose would inherit it.
HEALTHCHECK --interval=5s --timeout=4s --retries=12 CMD ["python", "-m", "behindproxy_serve.healthcheck", "http://127.0.0.1:8000/healthz"]
# SIGINT is Gunicorn's quick shutdown, which drops requests in flight. No shell form: the shell would get the signal.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "behindproxy_serve"]
