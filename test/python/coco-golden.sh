#!/bin/sh
# Makes the *.golden.json of test/golden/coco-eval from the stored truth and detections, with pycocotools.
# Usage: PYTHON=path/to/python test/python/coco-golden.sh
set -eu
python=${PYTHON:-python3}
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cd "$here/../golden/coco-eval"
"$python" "$here/coco-hard-case.py" hard-truth.json.gz hard.json.gz
{
  echo '{'
  for name in yolov8n yolox-nano deimv2-atto hard; do
    truth=truth.json.gz
    [ "$name" = hard ] && truth=hard-truth.json.gz
    [ "$name" = yolov8n ] || echo ','
    printf '"%s": ' "$name"
    "$python" "$here/coco-reference.py" "$truth" "$name.json.gz" | grep -v '"seconds"' | sed 's/^ },$/ }/'
  done
  echo '}'
} >expected.golden.json
"$python" -m json.tool expected.golden.json >/dev/null
{
  echo '{'
  for name in yolov8n yolox-nano deimv2-atto hard; do
    truth=truth.json.gz
    [ "$name" = hard ] && truth=hard-truth.json.gz
    [ "$name" = yolov8n ] || echo ','
    printf '"%s": ' "$name"
    "$python" "$here/voc-reference.py" "$truth" "$name.json.gz"
  done
  echo '}'
} >voc.golden.json
