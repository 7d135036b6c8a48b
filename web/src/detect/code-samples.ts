/** The request of the page as code of other programs, each whole: to be copied and run. */

export interface Asked {
  origin: string
  model: string
  /** True where requests that name no model go to this one. */
  isDefault: boolean
  threshold: number
  /** Query of /v1/detect. */
  query: string
  hasKey: boolean
}

export interface Sample {
  title: string
  text: string
  /** What to know before it runs. */
  note?: string
}

export const samplesOf = (asked: Asked): Sample[] => [
  curl(asked),
  node(asked),
  browser(asked),
  python(asked),
  awsSdk(asked),
  awsCli(asked),
]

const KEY_NOTE = 'Put the key into the environment first: export BOXLET_KEY=boxlet_…'
const noted = ({ hasKey }: Asked) => (hasKey ? { note: KEY_NOTE } : {})

const curl = (asked: Asked): Sample => ({
  title: 'curl',
  text: [
    'curl --data-binary @photo.jpg',
    ...(asked.hasKey ? ['-H "Authorization: Bearer $BOXLET_KEY"'] : []),
    `"${asked.origin}/v1/detect?${asked.query}"`,
  ].join(' \\\n  '),
  ...noted(asked),
})

const node = (asked: Asked): Sample => ({
  title: 'Node.js',
  text: `import { readFile } from 'node:fs/promises'

const response = await fetch('${asked.origin}/v1/detect?${asked.query}', {
  method: 'POST',
  body: await readFile('photo.jpg'),${asked.hasKey ? `\n  headers: { authorization: \`Bearer \${process.env.BOXLET_KEY}\` },` : ''}
})
if (!response.ok) throw new Error(await response.text())
const { images } = await response.json()
for (const { label, score, box } of images[0].detections) console.log(label, score, box)`,
  ...noted(asked),
})

const browser = (asked: Asked): Sample => ({
  title: 'Browser',
  text: `// file: a File of <input type="file"> or a Blob of a canvas
const response = await fetch('${asked.origin}/v1/detect?${asked.query}', {
  method: 'POST',
  body: file,${asked.hasKey ? `\n  headers: { authorization: \`Bearer \${key}\` },` : ''}
})
const { images } = await response.json()`,
  note: 'From a page of another address, start the service with --cors and that address.',
})

const python = (asked: Asked): Sample => ({
  title: 'Python',
  text: `${asked.hasKey ? 'import os\n' : ''}import requests

with open("photo.jpg", "rb") as picture:
    answer = requests.post(
        "${asked.origin}/v1/detect?${asked.query}",
        data=picture,${asked.hasKey ? '\n        headers={"Authorization": f"Bearer {os.environ[\'BOXLET_KEY\']}"},' : ''}
    )
answer.raise_for_status()
for found in answer.json()["images"][0]["detections"]:
    print(found["label"], found["score"], found["box"])`,
  ...noted(asked),
})

/** Rekognition's DetectLabels asks the first model; a model by name is a custom label project of that name. */
const arnOf = (model: string) =>
  `arn:aws:rekognition:us-east-1:123456789012:project/${model}/version/1/1700000000000`

const AWS_KEY_NOTE = 'AWS clients sign with an access key of their own: boxlet keys create --aws'
const awsNoted = ({ hasKey }: Asked) => (hasKey ? { note: AWS_KEY_NOTE } : {})

function awsSdk(asked: Asked): Sample {
  const percent = Math.round(asked.threshold * 100)
  const operation = asked.isDefault ? 'DetectLabels' : 'DetectCustomLabels'
  const answer = asked.isDefault ? 'Labels' : 'CustomLabels'
  const project = asked.isDefault ? '' : `\n    ProjectVersionArn: '${arnOf(asked.model)}',`
  // Unguarded services look at no credentials, but the SDK wants to have some.
  const credentials = asked.hasKey ? '' : `, credentials: { accessKeyId: 'any', secretAccessKey: 'any' }`
  return {
    title: 'AWS SDK for JavaScript',
    text: `import { readFile } from 'node:fs/promises'
import { ${operation}Command, RekognitionClient } from '@aws-sdk/client-rekognition'

const client = new RekognitionClient({ endpoint: '${asked.origin}', region: 'us-east-1'${credentials} })
const { ${answer} } = await client.send(
  new ${operation}Command({
    Image: { Bytes: await readFile('photo.jpg') },
    MinConfidence: ${percent},${project}
  }),
)
console.log(${answer})`,
    ...awsNoted(asked),
  }
}

function awsCli(asked: Asked): Sample {
  const project = asked.isDefault ? [] : [`--project-version-arn ${arnOf(asked.model)}`]
  const image = asked.isDefault
    ? '--image-bytes fileb://photo.jpg'
    : '--image "{\\"Bytes\\": \\"$(base64 -w0 photo.jpg)\\"}"'
  return {
    title: 'AWS CLI',
    text: [
      `aws rekognition ${asked.isDefault ? 'detect-labels' : 'detect-custom-labels'} --endpoint-url ${asked.origin} --region us-east-1`,
      ...project,
      `${image} --min-confidence ${Math.round(asked.threshold * 100)}`,
    ].join(' \\\n  '),
    ...awsNoted(asked),
  }
}
