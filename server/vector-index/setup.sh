#!/usr/bin/env bash
# npm run setup:faiss
# Builds faiss-node 0.5.1 from its npm tarball against Debian's faiss 1.7.3 and OpenBLAS, and puts it into node_modules, where
# the server finds it; npm ci removes it again. Node-API 6: one build for Node 20 and later. Needs npm, g++ and the Debian
# packages libfaiss-dev and libopenblas-dev; to run it, libopenblas0 and libgomp1.
# The package's own installer fetches sources from elsewhere, therefore it is not run.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$PWD/node_modules/faiss-node
addon=$folder/build/Release/faiss-node.node

# Prints one line about what loads, or fails.
report() {
  node -e '
    const { Index } = require(process.argv[1])
    const index = Index.fromFactory(2, "HNSW32", 0)
    index.add([1, 0, 0, 1])
    if (index.search([0, 1], 1).labels[0] !== 1) throw new Error("expected the second vector to be the nearest")
    console.log(`faiss-node 0.5.1 on Node ${process.version}`)
  ' "$addon"
}

if [ -f "$addon" ] && report; then exit 0; fi

faiss=$(ls /usr/lib/*/libfaiss.a 2>/dev/null | head -n 1)
if [ -z "$faiss" ] || [ ! -f /usr/include/faiss/IndexHNSW.h ]; then
  echo 'setup:faiss: expected faiss and OpenBLAS; run apt-get install libfaiss-dev libopenblas-dev first' >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for package in faiss-node@0.5.1 node-addon-api@6.1.0 node-api-headers@1.5.0; do
  npm pack --silent --pack-destination "$work" "$package" >/dev/null
  mkdir "$work/${package%@*}"
  tar xzf "$work/${package/@/-}.tgz" --strip-components=1 -C "$work/${package%@*}"
done

# The binding is written for faiss 1.7.4, whose only difference to it is where the type of labels stands.
cat >"$work/labels.h" <<'H'
#include <cstdint>
namespace faiss { using idx_t = int64_t; }
H
mkdir -p "$(dirname "$addon")"
g++ -O2 -std=c++17 -fPIC -shared -fopenmp -DNAPI_VERSION=6 -DNODE_GYP_MODULE_NAME=faiss_node -DBUILDING_NODE_EXTENSION \
  -DFINTEGER=int -include "$work/labels.h" -I "$work/node-addon-api" -I "$work/node-api-headers/include" \
  "$work/faiss-node/src/faiss.cc" "$faiss" -lopenblas -o "$addon.part"
cp "$work/faiss-node/package.json" "$work/faiss-node/LICENSE" "$folder/"
mv "$addon.part" "$addon"
report
