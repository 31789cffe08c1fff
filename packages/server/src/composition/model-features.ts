import type { ModelFeatures } from '../cli/tools.ts'

export async function modelFeatures(_: {
  data: string
  file: string
  models?: string | undefined
}): Promise<ModelFeatures> {
  throw new Error('not yet')
}
