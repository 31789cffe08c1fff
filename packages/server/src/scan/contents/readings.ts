import type { OpenerNode } from '../../unpack/opener.ts'
import { calledTypes } from '../script-language.ts'

/** The node as what it is, then as what it is called: a script, a page or a mail may begin with the first bytes of anything. */
export function readingsOf(node: OpenerNode): readonly OpenerNode[] {
  if (node.size === 0) return [node]
  const called = calledTypes(node)
  if (called.length === 0) return [node]
  const others = called.filter(({ name }) => name !== node.type)
  return [node, ...others.map(({ name, family, packed }) => ({ ...node, type: name, family, packed }))]
}
