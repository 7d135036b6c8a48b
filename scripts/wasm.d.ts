/** Path and text of each module to write. */
export function assembledModules(): Promise<{ path: string; text: string }[]>
