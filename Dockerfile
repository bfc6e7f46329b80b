# The proxy in a container: built in one stage, run in another without compiler, installer or root.
#
#   docker build -t botproxy .
#   docker build -t botproxy --build-arg BUILD_BASE=my-registry.example/python:3.12 \
#     --build-arg BASE=my-registry.example/python:3.12-slim .
#
# BASE is any Debian-like image with Python 3.11 or newer as python3, its venv module included. BUILD_BASE has the same
# Python in the same place, with its headers and a C compiler: what is on the way of a request becomes machine code.
ARG BASE=python:3.11-slim
ARG BUILD_BASE=python:3.11

FROM ${BUILD_BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
WORKDIR /build
COPY requirements/core.txt requirements/build.txt requirements/compile.txt requirements/node.txt \
    requirements/
# Every package is held to the hashes of the lock files.
RUN python3 -m venv /opt/botproxy \
    && /opt/botproxy/bin/python -m pip install --require-hashes --requirement requirements/core.txt \
    && python3 -m venv /opt/build \
    && /opt/build/bin/python -m pip install --require-hashes --requirement requirements/core.txt \
        --requirement requirements/build.txt --requirement requirements/compile.txt \
        --requirement requirements/node.txt
COPY pyproject.toml README.md LICENSE ./
COPY web web
COPY tools/assets.py tools/hatch_build.py tools/
# What runs in browsers has a layer of its own: it changes less often than the rest.
RUN /opt/build/bin/python tools/assets.py
COPY config/bots config/bots
COPY botproxy botproxy
# Bytecode is written now, because the container cannot: it is taken as it is, whatever the time of its source.
RUN HATCH_BUILD_HOOK_ENABLE_MYPYC=1 /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && /opt/botproxy/bin/python -m pip install --no-deps --no-index wheels/*.whl \
    && /opt/botproxy/bin/python -m pip uninstall --yes --quiet pip setuptools \
    && find /opt/botproxy -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.pyi' \) -delete \
    && find /opt/botproxy -type d -name __pycache__ -prune -exec rm -rf {} + \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/botproxy/lib

FROM ${BASE}
LABEL org.opencontainers.image.title="botproxy" \
      org.opencontainers.image.description="Reverse proxy that scores every request and acts by rules" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/botproxy /opt/botproxy
COPY docker/config/botproxy.yaml /etc/botproxy/botproxy.yaml
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin botproxy \
    && install --directory --owner=botproxy --group=botproxy --mode=0750 /data
ENV PATH=/opt/botproxy/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER botproxy
WORKDIR /data
VOLUME /data
# Visitors; the admin listener stays on the container's own loopback unless the configuration says otherwise.
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["botproxy", "health", "--quiet"]
ENTRYPOINT ["botproxy"]
CMD ["serve", "--config", "/etc/botproxy/botproxy.yaml"]
