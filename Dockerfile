# Reconciler for any CI that runs containers. It runs as a user without rights, needs no file
# system that it can write to, and installs only what action.lock names, by its hash.
#
#   docker build --tag reconciler .
#   docker run --rm --read-only --env GITHUB_TOKEN --volume "$PWD:/work:ro" reconciler validate
#
# A state in a folder needs a volume that user 65532 may write to; other places need none.
FROM docker.io/library/python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY action.lock build.lock ./
RUN python -m venv --without-pip /opt/reconciler \
 && python -m pip --python /opt/reconciler/bin/python install --quiet --only-binary :all: --require-hashes -r action.lock \
 && python -m venv /opt/build \
 && /opt/build/bin/python -m pip install --quiet --only-binary :all: --require-hashes -r build.lock
COPY LICENSE README.md pyproject.toml ./
COPY reconciler ./reconciler
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /source/dist \
 && python -m pip --python /opt/reconciler/bin/python install --quiet --no-deps /source/dist/*.whl

FROM docker.io/library/python:3.13-slim
COPY --from=build /opt/reconciler /opt/reconciler
# The cache of manifests goes where a container may write, if it may write anywhere.
ENV PATH=/opt/reconciler/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    RECONCILER_CACHE=/tmp/reconciler
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["reconciler"]
CMD ["--help"]
