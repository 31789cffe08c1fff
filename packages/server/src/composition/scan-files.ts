import type { ScanOptions, ScannedFile } from '../cli/tools.ts'
export async function* scan(_options: ScanOptions): AsyncGenerator<ScannedFile> {}
