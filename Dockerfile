# syntax=docker/dockerfile:1

# --- build: one static binary -----------------------------------------------------------------------------------
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The registry and the compiled dependencies stay in cache mounts between builds.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    set -eu; \
    target="$(rustc --print host-tuple)"; \
    cargo --config .cargo/static.toml build --release --locked --target "$target" --bin fps-sandbox; \
    install -D "target/$target/release/fps-sandbox" /out/fps-sandbox; \
    install -d -m 0700 /out/data

# --- run: nothing but the binary --------------------------------------------------------------------------------
FROM scratch
COPY --from=build /out/fps-sandbox /fps-sandbox
COPY --from=build --chown=65532:65532 /out/data /data

# The user is numeric, so that Kubernetes' runAsNonRoot can check that it is not root.
USER 65532:65532

# The program writes only to /data (a database, a certificate authority), so the root file system may be read-only.
WORKDIR /data
ENV FPS_SANDBOX_LISTEN=0.0.0.0:8008 \
    FPS_SANDBOX_DATA_DIR=/data
EXPOSE 8008

HEALTHCHECK --interval=5s --timeout=2s --start-period=2s --retries=3 CMD ["/fps-sandbox", "healthcheck"]
ENTRYPOINT ["/fps-sandbox"]
