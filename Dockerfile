# Two stages: build with the development tools, ship without them.
ARG BASE=node:20-bookworm-slim
FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts
# onnxruntime-node carries its library for every platform (250 MB); the image needs one.
RUN cd node_modules/onnxruntime-node/bin/napi-v* && find . -mindepth 2 -maxdepth 2 ! -path "./linux/$(node -p process.arch)" -exec rm -r {} + \
  && test -f "linux/$(node -p process.arch)/onnxruntime_binding.node"

FROM ${BASE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./package.json
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/bin ./bin
COPY --from=build /app/rules ./rules
# All state goes to one volume, so the root file system can be mounted read-only (docker run --read-only).
RUN mkdir -p /data && chown 1000:1000 /data && chmod 700 /data
VOLUME /data
USER 1000:1000
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/bin/portcullis"]
CMD ["up", "--demo", "--data", "/data", "--listen", "0.0.0.0:8080", "--admin", "0.0.0.0:9090"]
