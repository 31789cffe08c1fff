/** What a packed file is called when it is unpacked: the first ending that fits is replaced. */
export function unpackedName(fileName: string, endings: readonly (readonly [RegExp, string])[]): string {
  const name = fileName.slice(fileName.lastIndexOf('/') + 1)
  for (const [ending, instead] of endings) if (ending.test(name)) return name.replace(ending, instead)
  return name
}
