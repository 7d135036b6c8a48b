/** A stored object, as S3 names one. A directory of the file system stands in for it outside AWS. */
export interface BlobRef {
  bucket: string
  key: string
  /** One version of the object, where the store keeps versions. */
  version?: string
}

export interface BlobGetOptions {
  /** Objects above this are refused before they are read: IMAGE_TOO_LARGE. */
  maxBytes?: number
  /** A part only, fewer bytes where the object ends before, none behind its end. `maxBytes` then says nothing. */
  range?: { start: number; length: number }
  signal?: AbortSignal
}

export interface BlobPutOptions {
  contentType?: string
  signal?: AbortSignal
}

/** Where pictures and results lie. One implementation reads S3, one a directory. */
export interface BlobStore {
  /** @throws BoxletError IMAGE_NOT_FOUND, FORBIDDEN, IMAGE_TOO_LARGE, IMAGE_UNREADABLE */
  get(ref: BlobRef, options?: BlobGetOptions): Promise<Uint8Array>
  /**
   * Replaces what is there, once all is written. Bytes that come in parts need not fit into memory together.
   *
   * @throws BoxletError OUTPUT_UNWRITABLE, FORBIDDEN; what the parts throw
   */
  put(ref: BlobRef, bytes: Uint8Array | AsyncIterable<Uint8Array>, options?: BlobPutOptions): Promise<void>
  /** Objects whose keys begin so, in order of their keys. @throws BoxletError IMAGE_NOT_FOUND, FORBIDDEN */
  list?(bucket: string, prefix: string, options?: { signal?: AbortSignal }): AsyncIterable<ListedBlob>
  /** Without effect where there is none. @throws BoxletError OUTPUT_UNWRITABLE, FORBIDDEN */
  remove?(ref: BlobRef): Promise<void>
}

export interface ListedBlob {
  key: string
  bytes: number
  /** When it was written. Milliseconds since 1970. */
  at?: number
}
