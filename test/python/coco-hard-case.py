"""Writes a made-up COCO set and results that meet every branch of the matching, from a fixed seed.

    python coco-hard-case.py TRUTH.json.gz RESULTS.json.gz

Crowds that overlap objects, boxes exactly on the area limits 32² and 96² and exactly at IoU 0.5, equal scores
within and across pictures, more than 100 detections of one class in one picture, segmentation areas unlike
the box, classes without ground truth or without detections, pictures without either, image ids out of order.
"""

import gzip
import json
import random
import sys


def write(path, value):
    with open(path, "wb") as raw, gzip.GzipFile("", mode="wb", fileobj=raw, mtime=0) as file:
        file.write(json.dumps(value, separators=(",", ":")).encode())


def main(truth_path, results_path):
    rng = random.Random(20170901)
    categories = [{"id": i, "name": f"class {i}"} for i in (1, 2, 5, 9, 90)]
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 480} for i in range(60, 0, -1)]
    annotations, results = [], []
    sides = [4, 31, 32, 33, 60, 95, 96, 97, 200]
    for image in images:
        if image["id"] % 13 == 0:
            continue
        for category in (1, 2, 5):
            for _ in range(rng.randrange(0, 7)):
                w, h = rng.choice(sides), rng.choice(sides)
                x, y = rng.randrange(0, 300), rng.randrange(0, 200)
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image["id"],
                        "category_id": category,
                        "bbox": [x, y, w, h],
                        "area": rng.choice([w * h, w * h, w * h * 0.6, 32**2, 96**2]),
                        "iscrowd": int(rng.random() < 0.15),
                    }
                )
                for _ in range(rng.randrange(0, 4)):
                    dx, dy = rng.choice([0, 0, w / 3, w / 4, rng.random() * w]), rng.choice([0, 0, h / 5])
                    results.append((image["id"], rng.choice([category] * 8 + [1, 2, 9]), [x + dx, y + dy, w, h]))
        for _ in range(rng.randrange(0, 5)):
            box = [rng.random() * 500, rng.random() * 400, rng.choice(sides), rng.choice(sides)]
            results.append((image["id"], rng.choice([1, 2, 9, 90]), box))
    for i in range(130):
        results.append((7, 1, [i * 2.0, i * 1.5, 40, 40]))
    rng.shuffle(results)
    scores = [round(rng.random(), 2) for _ in range(40)]
    found = [
        {"image_id": i, "category_id": c, "bbox": b, "score": rng.choice(scores)} for i, c, b in results
    ]
    info = {"description": "made-up boxes"}
    write(truth_path, {"info": info, "categories": categories, "images": images, "annotations": annotations})
    write(results_path, found)
    print(f"{len(annotations)} objects, {len(found)} detections")


if __name__ == "__main__":
    main(*sys.argv[1:])
