import { XMLParser } from 'fast-xml-parser'
import { BoxletError } from '../../../errors.ts'
import { isRecord } from '../../../system/record.ts'

/** What of a project's labelling interface decides the form of predictions. */
export interface LabelConfig {
  /** Name of the tag that draws rectangles, and of the picture that it draws on. */
  fromName: string
  toName: string
  /** Key of the picture in the data of a task. */
  dataKey: string
  /** The project's label for a label of the model, in lower case. */
  labels: ReadonlyMap<string, string>
}

/** Interfaces have a page of XML; a thousand labels are 50 KB. */
const MOST_CHARACTERS = 256 * 1024
const MOST_DEPTH = 64

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseAttributeValue: false,
  preserveOrder: true,
  processEntities: { enabled: true, maxTotalExpansions: 1_000, maxExpandedLength: MOST_CHARACTERS },
})

interface Tag {
  name: string
  attributes: Readonly<Record<string, string>>
  children: Tag[]
}

/**
 * Finds the tag for rectangles, its picture and its labels. A label takes a label of the model by its own value, or by
 * those that its `predicted_values` list, as Label Studio's own backends read it.
 *
 * @throws BoxletError REQUEST_INVALID for text that is no such interface
 */
export function readLabelConfig(text: string): LabelConfig {
  if (text.length > MOST_CHARACTERS) {
    throw invalid(`at most ${MOST_CHARACTERS} characters`)
  }
  let tags: Tag[]
  try {
    tags = flat(tagsOf(parser.parse(text, true), 0))
  } catch (cause) {
    throw cause instanceof BoxletError ? cause : invalid('well-formed XML', cause)
  }
  const rectangles = tags.find(({ name, attributes }) => name === 'RectangleLabels' && attributes.name)
  const toName = rectangles?.attributes.toName?.split(',')[0]
  const picture = tags.find(({ name, attributes }) => name === 'Image' && attributes.name === toName)
  const dataKey = /^\$(\w+)/.exec(picture?.attributes.value ?? '')?.[1]
  if (rectangles === undefined || toName === undefined || dataKey === undefined) {
    throw invalid('<RectangleLabels> to an <Image value="$…">')
  }
  const labels = new Map<string, string>()
  for (const { attributes } of flat(rectangles.children).filter(({ name }) => name === 'Label')) {
    const { value = '', predicted_values = '' } = attributes
    for (const predicted of [value, ...predicted_values.split(',')]) {
      labels.set(predicted.trim().toLowerCase(), value)
    }
  }
  labels.delete('')
  return { fromName: rectangles.attributes.name!, toName, dataKey, labels }
}

const flat = (tags: readonly Tag[]): Tag[] => tags.flatMap((tag) => [tag, ...flat(tag.children)])

/** The library's ordered form: a list of objects with the name of the tag and `:@` for its attributes. */
function tagsOf(nodes: unknown, depth: number): Tag[] {
  if (!Array.isArray(nodes) || depth > MOST_DEPTH) {
    return []
  }
  return nodes.filter(isRecord).flatMap((node) =>
    Object.keys(node)
      .filter((name) => name !== ':@' && name !== '#text')
      .map((name) => ({
        name,
        attributes: (node[':@'] ?? {}) as Record<string, string>,
        children: tagsOf(node[name], depth + 1),
      })),
  )
}

const invalid = (wanted: string, cause?: unknown) =>
  new BoxletError('REQUEST_INVALID', `Expected ${wanted} for the labelling interface but received another.`, {
    cause,
    hint: 'The project needs <RectangleLabels name="label" toName="image"> and <Image name="image" value="$image"/>.',
  })
