import { hasKey } from './api.ts'
import { Copyable } from './copyable.tsx'

interface Props {
  model: string
  threshold: number
  /** The option of that name; undefined for all. */
  classes: string | undefined
}

/** The same request from elsewhere. */
export function CodePanel({ model, threshold, classes }: Props) {
  const at = location.origin
  const options = { model, minScore: String(threshold), ...(classes === undefined ? {} : { classes }) }
  // Quotes and dollars come out as escapes, so that the text can stand in the quotes of a shell and of a language.
  const query = new URLSearchParams(options).toString().replaceAll('%2C', ',')
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
        text={`aws rekognition detect-labels --endpoint-url ${at} --region us-east-1 \\\n  --image-bytes fileb://photo.jpg --min-confidence ${percent}`}
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
