# docker build -t mneme .
# docker run -p 127.0.0.1:8080:8080 -v mneme-data:/data -e MNEME_API_KEYS=$(openssl rand -hex 32) mneme
# A container listens on all its addresses, so it wants API keys: MNEME_API_KEYS=KEY,KEY or MNEME_KEYS_FILE. Without any
# it refuses to start unless MNEME_ALLOW_ANONYMOUS=true says that whoever reaches the port may use it.
FROM node:20-slim AS build
WORKDIR /mneme
COPY package.json package-lock.json .npmrc ./
RUN npm ci
RUN apt-get update && apt-get install -y --no-install-recommends g++ libfaiss-dev libopenblas-dev && rm -rf /var/lib/apt/lists/*
COPY . .
RUN npm run setup:faiss
RUN npm pack

FROM node:20-slim
# What faiss is linked to.
RUN apt-get update && apt-get install -y --no-install-recommends libopenblas0 libgomp1 && rm -rf /var/lib/apt/lists/*
WORKDIR /mneme
COPY package.json package-lock.json .npmrc ./
# ONNX Runtime's package has the libraries of every platform.
RUN npm ci --omit=dev && npm cache clean --force && rm -rf node_modules/onnxruntime-node/bin/napi-v6/darwin node_modules/onnxruntime-node/bin/napi-v6/win32
# What npm pack puts into the package, and nothing else: compiled, without the trainer's packages.
COPY --from=build /mneme/mneme-*.tgz package.tgz
RUN tar xzf package.tgz --strip-components=1 && rm package.tgz

COPY --from=build /mneme/node_modules/faiss-node node_modules/faiss-node

RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
ENV NODE_ENV=production MNEME_HOST=0.0.0.0 MNEME_PORT=8080 MNEME_DATA=/data
EXPOSE 8080

HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MNEME_PORT}/livez`).then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]

# The process itself takes SIGTERM: it finishes the replies in flight and stops.
ENTRYPOINT ["node", "clients/cli/bin.js"]
CMD ["serve"]
