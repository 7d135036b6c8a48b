export function libraryPage(): string
