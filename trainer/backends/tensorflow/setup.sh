#!/usr/bin/env bash
# npm run setup:tensorflow [-- gpu]
# Builds tfjs-node 4.22 (or tfjs-node-gpu), unmodified, against the TensorFlow libraries inside the PyPI wheel, and puts
# it into node_modules beside what npm ci has put there; npm ci removes it again. Needs npm, python3 with pip, g++.
# The package's own installer downloads from elsewhere, therefore it is not run.
set -euo pipefail
cd "$(dirname "$0")/../../.."

kind=${1:-cpu}
case $kind in
  cpu) package=@tensorflow/tfjs-node wheel=tensorflow-cpu version=2.15.1 ;;
  gpu) package=@tensorflow/tfjs-node-gpu wheel=tensorflow version=2.19.1 ;;
  *) echo "setup:tensorflow: expected cpu or gpu, got $kind" >&2; exit 2 ;;
esac
folder=$PWD/node_modules/$package

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints one line about what loads, or fails. What TensorFlow itself logs when it loads is kept for the case of failure.
report() {
  node --import tsx trainer/backends/tensorflow/report.ts "$kind" 2>"$work/tensorflow.log"
}

if [ -f "$folder/lib/napi-v8/tfjs_binding.node" ] && report; then exit 0; fi

npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error \
  "$package@4.22.0" node-api-headers@1.5.0 >"$work/npm.log" 2>&1 || { cat "$work/npm.log" >&2; exit 1; }
python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$work" "$wheel==$version"

rm -rf "$folder/deps" "$folder/lib"
mkdir -p "$folder/deps/lib" "$folder/lib/napi-v8"
python3 - "$work"/*.whl "$folder/deps" "$work/requirements.txt" <<'PY'
"""Takes the C API's headers, the two libraries, and the CUDA wheels that they were built for, out of the wheel."""
import pathlib, re, shutil, sys, zipfile

wheel, deps, requirements = sys.argv[1:]
headers = re.compile(r'tensorflow/(include/(?:tensorflow/c|tensorflow/core/platform|tsl/c|tsl/platform|xla/tsl/c|xla/tsl/platform)/.*\.h)$')
library = re.compile(r'tensorflow/(libtensorflow_(?:cc|framework)\.so\.2)$')
with zipfile.ZipFile(wheel) as files:
    for name in files.namelist():
        header, so = headers.match(name), library.match(name)
        if not (header or so):
            continue
        target = pathlib.Path(deps, header[1] if header else f'lib/{so[1]}')
        target.parent.mkdir(parents=True, exist_ok=True)
        with files.open(name) as source, open(target, 'wb') as copy:
            shutil.copyfileobj(source, copy, 1 << 22)
    metadata = next(name for name in files.namelist() if name.endswith('dist-info/METADATA'))
    text = files.read(metadata).decode()
wanted = re.findall(r'^Requires-Dist: (nvidia-\S+?) ?\(?(==[\d.]+)\)?', text, re.M)
pathlib.Path(requirements).write_text(''.join(f'{name}{pin}\n' for name, pin in wanted))
PY
# The libraries look for CUDA beside themselves, in ../nvidia.
if [ "$kind" = gpu ]; then
  python3 -m pip install --quiet --no-deps --target "$folder/deps" --requirement "$work/requirements.txt"
fi

g++ -O2 -std=c++17 -fPIC -shared -DNAPI_VERSION=8 -DNODE_GYP_MODULE_NAME=tfjs_binding -DBUILDING_NODE_EXTENSION \
  -I node_modules/node-api-headers/include -I "$folder/deps/include" "$folder"/binding/*.cc \
  -L "$folder/deps/lib" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 \
  '-Wl,-rpath,$ORIGIN/../../deps/lib' -o "$folder/lib/napi-v8/tfjs_binding.node"
report || { cat "$work/tensorflow.log" >&2; exit 1; }
