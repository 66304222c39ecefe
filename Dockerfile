# A server for the models of one or more runs: see docs/how_to/deployment.md.
#
#   docker build -t flowers --build-arg RUN=runs/flowers-1 .
#   docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 flowers
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/declnet \
 && /opt/declnet/bin/pip install --no-cache-dir --constraint constraints.txt '.[serve]'

FROM python:3.13-slim
ARG RUN
ENV PATH=/opt/declnet/bin:$PATH PYTHONUNBUFFERED=1 DECLNET_CACHE_DIR=/tmp/declnet
COPY --from=build /opt/declnet /opt/declnet
COPY ${RUN} /models/model
RUN useradd --system --uid 10001 --no-create-home declnet
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
ENTRYPOINT ["declnet", "serve", "--host", "0.0.0.0", "model=/models/model"]
