# The daemon, and the pages. Two stages, so that neither pip's leftovers nor the sources are in what runs.
FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/racing-coach
WORKDIR /build

# The dependencies first: they change less often than the code, and exactly these files are installed or none.
COPY requirements/web.txt requirements/
RUN pip --python /opt/racing-coach/bin/python install --require-hashes --requirement requirements/web.txt

COPY pyproject.toml README.md ./
COPY src src
RUN pip --python /opt/racing-coach/bin/python install --no-deps .


FROM python:3.13-slim

# pg_dump and pg_restore, for `racing-coach backup` and `restore`.
RUN apt-get update -q && apt-get install -y -q --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin racing-coach
# A volume that is mounted here takes over whose it is.
RUN install -d -o racing-coach -g racing-coach -m 0700 /var/lib/racing-coach
COPY --from=build /opt/racing-coach /opt/racing-coach

ENV PATH=/opt/racing-coach/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER racing-coach
WORKDIR /opt/racing-coach

# No HEALTHCHECK: the daemon waits out its broker and its database by itself, and whether it does is in its heartbeats.
ENTRYPOINT ["racing-coach"]
CMD ["serve"]
