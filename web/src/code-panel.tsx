import { hasKey } from './api.ts'
import { Copyable } from './copyable.tsx'

/** The same request from elsewhere. */
export function CodePanel({ model, threshold }: { model: string; threshold: number }) {
  const at = location.origin
  const query = `model=${encodeURIComponent(model)}&minScore=${threshold}`
  const key = hasKey() ? ' \\\n  -H "Authorization: Bearer $BOXLET_KEY"' : ''
  const percent = Math.round(threshold * 100)
  return (
    <>
      <Copyable title="curl" text={`curl --data-binary @photo.jpg${key} \\\n  "${at}/v1/detect?${query}"`} />
      <Copyable
        title="JavaScript"
        text={`const response = await fetch('${at}/v1/detect?${query}', {
  method: 'POST',
  body: await readFile('photo.jpg'),
})
const { images } = await response.json()`}
      />
      <Copyable
        title="AWS SDK for JavaScript"
        text={`const client = new RekognitionClient({ endpoint: '${at}', region: 'us-east-1' })
const { Labels } = await client.send(
  new DetectLabelsCommand({ Image: { Bytes: await readFile('photo.jpg') }, MinConfidence: ${percent} }),
)`}
      />
      <Copyable
        title="AWS CLI"
        text={`aws rekognition detect-labels --endpoint-url ${at} \\\n  --image-bytes fileb://photo.jpg --min-confidence ${percent}`}
      />
      <Copyable
        title="Python"
        text={`import requests

with open("photo.jpg", "rb") as picture:
    answer = requests.post("${at}/v1/detect?${query}", data=picture).json()`}
      />
    </>
  )
}
