#!/usr/bin/env bash
# Installs the peers that the benchmarks of this folder measure against, into .cache/peers: nothing of the product or of
# its tests needs them.
set -euo pipefail
cd "$(dirname "$0")/../../.."
mkdir -p .cache/peers
cd .cache/peers
[ -f package.json ] || npm init --yes >/dev/null
# llama.cpp, with its compiled engine inside the package.
npm install --ignore-scripts --no-audit --no-fund --loglevel=error node-llama-cpp@3.22
