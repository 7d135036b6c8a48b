"""Prints what pycocotools says about masks or key points in COCO results, as JSON.

    python coco-shapes.py segm|keypoints ANNOTATIONS.json RESULTS.json

stats: the numbers of `summarize`, with area ranges by name. counts: the run-length code of each annotation's outline by
its id, as `annToRLE` makes it (segm alone).

Needs: pip install numpy pycocotools
"""

import contextlib
import io
import json
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def main(kind, annotations, results):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(annotations)
        evaluation = COCOeval(truth, truth.loadRes(results), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats = [float(value) for value in evaluation.stats]
    counts = {}
    if kind == "segm":
        codes = {str(id): truth.annToRLE(entry)["counts"] for id, entry in truth.anns.items()}
        counts = {id: code if isinstance(code, str) else code.decode() for id, code in codes.items()}
    print(json.dumps({"stats": stats, "counts": counts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
