import { z } from 'zod'

export const list = <T extends z.ZodType>(item: T) => z.array(item).readonly()
export const count = z.number().int().nonnegative()
export const unixMs = z.number().int().nonnegative()
export const text = (maxLength: number) => z.string().max(maxLength)
/** A number in a query string. */
export const queryNumber = z.coerce.number().int().nonnegative()
