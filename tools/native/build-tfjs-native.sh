#!/usr/bin/env bash
# Makes TensorFlow.js' native eager backend without its install script, which downloads a libtensorflow from a place that
# registries do not mirror: the library and its C headers come out of the tensorflow-cpu wheel, the addon is compiled from
# the sources in the npm package.
#
#   tools/native/build-tfjs-native.sh [FOLDER]     default: ~/.cache/pruning-bias/tfjs-native, where tests and doctor look
#   PACKAGE=tfjs-node                              instead of tfjs-node-gpu, which without CUDA computes on the processor too
#
# Linux x64 with glibc 2.27 or later; node, npm, python3 with pip, g++; 1.2 GB; half a minute.
# Exit code 3: something that it downloads cannot be reached.
set -euo pipefail

package=${PACKAGE:-tfjs-node-gpu}
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/pruning-bias/tfjs-native}
tfjs=4.22.0
headers=1.9.0
tensorflow=2.21.0
# Also in the name: a change of what is built builds it again.
done=$folder/.built-$package-$tfjs-$tensorflow

unreachable() {
  echo "build-tfjs-native: $1 cannot be reached" >&2
  exit 3
}

install_packages() {
  [ -f package.json ] || echo '{ "private": true }' >package.json
  npm install --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 \
    "@tensorflow/$package@$tfjs" "node-api-headers@$headers" || unreachable "the npm registry"
}

# The wheel has 1.3 GB; what is taken of it has 0.8.
unpack_libtensorflow() {
  [ ! -d libtensorflow ] || return 0
  local download
  download=$(mktemp -d)
  # The libraries are the same for every Python.
  python3 -m pip download --quiet --retries 1 --no-deps --only-binary=:all: --python-version 3.11 \
    --platform manylinux_2_27_x86_64 --dest "$download" "tensorflow-cpu==$tensorflow" || unreachable "the Python index"
  rm -rf libtensorflow.part
  python3 - "$download"/*.whl libtensorflow.part <<'PYTHON'
import pathlib, shutil, sys, zipfile

wheel, target = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
libraries = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2")
include = "tensorflow/include/"
headers = tuple(include + part for part in
                ("tensorflow/c/", "tensorflow/core/platform/ctstring", "tsl/platform/ctstring", "xla/tsl/c/"))
for name in wheel.namelist():
    if name in libraries:
        path = target / "lib" / name.rpartition("/")[2]
    elif name.startswith(headers) and name.endswith(".h"):
        path = target / "include" / name.removeprefix(include)
    else:
        continue
    path.parent.mkdir(parents=True, exist_ok=True)
    with wheel.open(name) as source, path.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 22)
PYTHON
  mv libtensorflow.part libtensorflow
  rm -rf "$download"
}

# Node-API keeps its binary interface: one addon serves all versions of Node.
compile_addon() {
  local sources=node_modules/@tensorflow/$package
  mkdir -p "$sources/lib/napi-v8"
  g++ -O2 -std=c++17 -shared -fPIC -w -DNAPI_VERSION=8 \
    -I node_modules/node-api-headers/include -I libtensorflow/include -I "$sources" \
    "$sources"/binding/tfjs_{backend,binding}.cc -o "$sources/lib/napi-v8/tfjs_binding.node" \
    -L libtensorflow/lib -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 \
    -Wl,-rpath,'$ORIGIN/../../../../../libtensorflow/lib'
}

if [ ! -f "$done" ]; then
  mkdir -p "$folder"
  cd "$folder"
  install_packages
  unpack_libtensorflow
  compile_addon
  touch "$done"
fi
echo "$folder"
