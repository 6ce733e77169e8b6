FROM python:3.11.15-slim-trixie

# No .pyc files to write and nothing to flush: the root file system is read-only at run time.
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONPATH=/app \
    LOCAL_DIR=/var/lib/incasso

COPY requirements-image.lock /tmp/requirements.lock
RUN python -m pip install --no-cache-dir --no-compile --require-hashes --only-binary :all: \
        -r /tmp/requirements.lock \
    && python -m compileall -q -j 0 /usr/local/lib/python3.11/site-packages \
    && rm /tmp/requirements.lock

# A number instead of a name: an orchestrator can see that it is not root. The volumes take the
# owner of the folders they are mounted on when they are new.
RUN groupadd --gid 10001 incasso \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/incasso incasso \
    && install -d -o incasso -g incasso -m 0700 /var/lib/incasso /var/lib/incasso/metrics

WORKDIR /app
COPY domain domain
COPY gateways gateways
COPY ledger ledger
COPY runtime runtime
COPY workers workers
COPY webhooks webhooks
COPY web web
COPY cli cli
COPY sandbox sandbox

# The same name inside as outside; the rooms lie in /app, so there is nothing to install.
RUN printf '#!/usr/local/bin/python\nfrom cli.main import main\n\nmain()\n' > /usr/local/bin/incasso \
    && chmod 0755 /usr/local/bin/incasso \
    && python -m compileall -q /app

USER 10001:10001
CMD ["incasso", "--help"]
