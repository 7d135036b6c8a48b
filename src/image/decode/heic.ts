import type { Size } from '../../boxes/box.ts'
import { BoxletError } from '../../errors.ts'
import type { RgbImage } from '../rgb-image.ts'

/**
 * The package that decodes HEIC where it is installed beside Boxlet: libheif and libde265 as WebAssembly, LGPL-3.0. The
 * codec is patented in some countries, which is why image libraries come without it; so whoever wants it adds it.
 */
const PACKAGE = 'libheif-js'
// Named in pieces, so that packages for Lambda do not take it in.
export const HEIC_MODULE = `${PACKAGE}/wasm-bundle.js`

/** Objects of the library are numbers of its own memory. */
interface Libheif {
  heif_context_alloc(): unknown
  heif_context_free(context: unknown): void
  heif_context_read_from_memory(context: unknown, bytes: Uint8Array): Fault
  heif_js_context_get_primary_image_handle(context: unknown): unknown
  heif_image_handle_get_width(handle: unknown): number
  heif_image_handle_get_height(handle: unknown): number
  heif_image_handle_release(handle: unknown): void
  heif_js_decode_image2(handle: unknown, colours: unknown, chroma: unknown): Decoded | Promise<Decoded>
  heif_image_release(image: unknown): void
  heif_colorspace: { heif_colorspace_RGB: unknown }
  heif_chroma: { heif_chroma_interleaved_RGB: unknown }
}

interface Fault {
  code?: { value: number }
  message?: string
}

interface Decoded extends Fault {
  image?: unknown
  channels?: { stride: number; width: number; height: number; data: Uint8Array }[]
}

let loading: Promise<Libheif | undefined> | undefined

/** Undefined where the package is not installed. */
function load(): Promise<Libheif | undefined> {
  loading ??= import(HEIC_MODULE).then(
    (module: { default: Libheif }) => module.default,
    () => undefined,
  )
  return loading
}

export const HEIC_HINT = `Add the decoder with "npm install ${PACKAGE}" (LGPL-3.0), convert the picture to JPEG, or set the camera to its most compatible format.`

/**
 * The main picture of a HEIC file, upright: the library turns it as the file says. It works on the thread of the caller,
 * about a second for a picture of 12 megapixels, and cannot be stopped.
 *
 * @param check looks at the size before anything is decoded; may throw
 * @returns undefined where the decoder is not installed
 * @throws BoxletError IMAGE_TRUNCATED, IMAGE_CORRUPT
 */
export async function decodeHeic(
  bytes: Uint8Array,
  check: (size: Size) => void,
): Promise<RgbImage | undefined> {
  const library = await load()
  if (library === undefined) {
    return undefined
  }
  const context = library.heif_context_alloc()
  let handle: unknown
  try {
    throwFault(library.heif_context_read_from_memory(context, bytes))
    handle = library.heif_js_context_get_primary_image_handle(context)
    throwFault(handle as Fault)
    const width = library.heif_image_handle_get_width(handle)
    const height = library.heif_image_handle_get_height(handle)
    check({ width, height })
    const { heif_colorspace_RGB: colours } = library.heif_colorspace
    const { heif_chroma_interleaved_RGB: chroma } = library.heif_chroma
    const decoded = await library.heif_js_decode_image2(handle, colours, chroma)
    throwFault(decoded)
    try {
      return { width, height, data: packed(decoded, { width, height }) }
    } finally {
      library.heif_image_release(decoded.image)
    }
  } finally {
    if (handle !== undefined && isHandle(handle)) {
      library.heif_image_handle_release(handle)
    }
    library.heif_context_free(context)
  }
}

const isHandle = (value: unknown): boolean => (value as Fault | null)?.message === undefined

/** Rows without what the library leaves between them. */
function packed({ channels }: Decoded, { width, height }: Size): Uint8Array {
  const [plane] = channels ?? []
  if (plane === undefined || plane.width !== width || plane.height !== height) {
    throw damaged()
  }
  const rgb = new Uint8Array(width * height * 3)
  for (let row = 0; row < height; row++) {
    const start = row * plane.stride
    rgb.set(plane.data.subarray(start, start + width * 3), row * width * 3)
  }
  return rgb
}

function throwFault(result: Fault | null | undefined): void {
  if (result === null || result === undefined) {
    throw damaged()
  }
  const { message = '', code } = result
  if (message === '' || /^success$/i.test(message) || code?.value === 0) {
    return
  }
  if (/end of file|outside of file/i.test(message)) {
    throw new BoxletError('IMAGE_TRUNCATED', 'Expected a complete HEIC but received one that ends early.', {
      hint: 'Fetch or copy the file again.',
    })
  }
  throw damaged(message)
}

const damaged = (cause?: string): BoxletError =>
  new BoxletError('IMAGE_CORRUPT', 'Expected a sound HEIC but received one with damaged data.', {
    hint: 'Export or copy the picture again.',
    cause,
  })
