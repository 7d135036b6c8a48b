import type { Verb } from '../kit/verb.ts'
import { runDiff } from './run.ts'

export const verb: Verb = {
  name: 'diff',
  summary: 'Show where two models find different things, without labels.',
  help: `boxlet diff A B --images DIR [options]

A and B are names in the catalogue or model files. One of them may be a deployed service or Rekognition instead.
Each finds objects with its own thresholds unless --min-score is given.

  --images DIR          folder of pictures, with all below it
  --limit N             only the first N pictures
  --map FILE            JSON object from labels of B to labels of A; null leaves out
  --min-score S         least score of both
  --iou I, --max N      as for boxlet detect
  --labels FILE, --contract FILE, --set PATH=VALUE, --as-is     for both models
  --jobs N              models run at once, one thread each (default: the processors)
  --no-reuse, --fresh   do not keep and use results; measure anew and keep

  --endpoint URL        a deployed Boxlet service; --api-key KEY or BOXLET_API_KEY
  --rekognition         your AWS account, DetectLabels; --region, --rekognition-model ARN for Custom Labels
  --rekognition-price D dollars a picture, for the comparison of costs (default 0.001)

  --format F            table (default), json or markdown
  --out FILE.html, -o   page with pictures side by side; --worst N of them (default 24)

Exit codes: 0 compared, 1 some pictures failed, 2 wrong usage, 3 nothing could be compared.

Examples
  boxlet diff yolov8n yolov8s --images photos --out difference.html
  boxlet diff fridge.onnx fridge-int8.onnx --images photos --min-score 0.3
  boxlet diff yolov8n --endpoint https://abc.lambda-url.eu-west-1.on.aws --images photos
`,
  run: runDiff,
}
