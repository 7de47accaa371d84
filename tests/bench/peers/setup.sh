#!/usr/bin/env bash
# Installs the peers that the benchmarks of this folder measure against, into .cache/peers: nothing of the product or of
# its tests needs them.
#   bash tests/bench/peers/setup.sh [packages|llama-server]...   (default: both)
# llama-server needs cmake, a C++ compiler and Python's pip, and takes half an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/../../.."
mkdir -p .cache/peers
cd .cache/peers

# llama.cpp with its compiled engine inside the package, the AI SDK as a client (the last one for Node 20), transformers.js,
# and onnxruntime-genai in a virtual environment of Python.
packages() {
  [ -f package.json ] || npm init --yes >/dev/null
  npm install --ignore-scripts --no-audit --no-fund --loglevel=error \
    node-llama-cpp@3.22 ai@5.0.277 @ai-sdk/openai-compatible@1.0.61 @huggingface/transformers@4.3.2
  [ -d genai ] || python3 -m venv genai
  genai/bin/pip install --quiet onnxruntime-genai==0.18.0
}

# llama.cpp's server, benchmark and quantizer for this machine's processor, from the source that llama-cpp-python carries.
llama_server() {
  local source=src/vendor/llama.cpp
  if [ ! -d $source ]; then
    python3 -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest pip llama-cpp-python==0.3.36
    mkdir -p src
    tar -xzf pip/llama_cpp_python-0.3.36.tar.gz --strip-components=1 -C src
  fi
  cmake -S $source -B $source/build -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF \
    -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_SERVER=ON
  cmake --build $source/build -j "$(nproc)" --target llama-server llama-bench llama-quantize
  $source/build/bin/llama-server --version
}

[ $# -gt 0 ] || set -- packages llama-server
for step in "$@"; do
  case $step in
    packages) packages ;;
    llama-server) llama_server ;;
    *) echo "expected packages or llama-server, got $step" >&2; exit 2 ;;
  esac
done
