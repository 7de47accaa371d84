#!/usr/bin/env bash
# npm run setup:cuda
# Puts ONNX Runtime's CUDA provider beside the library that onnxruntime-node ships, out of the PyPI wheel of the same
# version (built for CUDA 13); npm ci removes it again. Needs linux on x86-64 and python3 with pip.
# The CUDA libraries have to be found by the loader (docs/training.md).
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(node -p 'require("onnxruntime-node/package.json").version')
folder=$PWD/node_modules/onnxruntime-node/bin/napi-v6/linux/x64
if [ ! -f "$folder/libonnxruntime.so.1" ]; then
  echo "setup:cuda: expected $folder/libonnxruntime.so.1; run npm ci first" >&2
  exit 1
fi

if [ ! -f "$folder/libonnxruntime_providers_cuda.so" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # Any Python's wheel has the same two libraries
  python3 -m pip download --quiet --no-deps --only-binary :all: --python-version 3.12 --implementation cp --abi cp312 \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --dest "$work" "onnxruntime-gpu==$version"
  python3 - "$work"/*.whl "$folder" <<'PY'
import pathlib, shutil, sys, zipfile

wheel, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as files:
    for name in ('libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'):
        half = pathlib.Path(folder, f'{name}.part')
        with files.open(f'onnxruntime/capi/{name}') as source, open(half, 'wb') as copy:
            shutil.copyfileobj(source, copy, 1 << 22)
        half.replace(pathlib.Path(folder, name))
PY
fi
node --import tsx runtime/try-device.ts cuda
